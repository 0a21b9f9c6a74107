"""Small classifiers of mmpretrain as teachers, and the checkpoint of one."""

import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

SMALL = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=5, in_channels=32))
RANDOM = dict(checkpoint=None, allow_random=True)
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
MIXER_ARCH = dict(embed_dims=16, num_layers=2, tokens_mlp_dims=8, channels_mlp_dims=8)
MIXER = dict(
    type='ImageClassifier', backbone=dict(type='MlpMixer', arch=MIXER_ARCH, img_size=64, patch_size=16),
    neck=dict(type='GlobalAveragePooling', dim=1), head=dict(type='LinearClsHead', num_classes=5, in_channels=16))


def build(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg)


def saved(folder, network, name='teacher.pth', **layers):
    torch.save({'state_dict': network.state_dict(), **layers}, folder / name)
    return str(folder / name)
