"""Small classifiers of mmpretrain."""

from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS


def build(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(cfg)


def image_classifier(**backbone):
    backbone = dict(type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, **backbone)
    return build(dict(
        type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=32)))


def vision_transformer(**head):
    backbone = dict(
        type='VisionTransformer', arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16),
        img_size=16, patch_size=4, out_type='featmap' if head.get('type') == 'LinearClsHead' else 'cls_token')
    neck = dict(type='GlobalAveragePooling') if head.get('type') == 'LinearClsHead' else None
    return build(dict(type='ImageClassifier', backbone=backbone, neck=neck, head=dict(num_classes=5, in_channels=16, **head)))
