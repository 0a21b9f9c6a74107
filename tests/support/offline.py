"""A small student, its teacher and an OfflineDistiller of both; a batch of small images, and one step."""

import copy

import torch
from mmengine.dataset import default_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmkd_ext.registry import MODELS

HEAD = dict(type='LinearClsHead', num_classes=5, in_channels=64)
STUDENT = dict(
    type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=8), neck=dict(type='GlobalAveragePooling'),
    head=HEAD)
TEACHER = dict(
    model=dict(STUDENT, backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, width=2), head=dict(HEAD, in_channels=128)),
    checkpoint=None, allow_random=True)
TIMM = dict(type='TimmClassifier', model_name='test_resnet', num_classes=5)
LOSSES = dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=2.5), nd=dict(type='mmkd_ext.NDLoss', dropout=0.0))
MIXUP = dict(augments=dict(type='Mixup', alpha=0.8))


def distiller(student=STUDENT, teacher=TEACHER, losses=LOSSES, means=True, **kwargs):
    torch.manual_seed(0)
    preprocessor = dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(
            type='mmkd_ext.OfflineDistiller', student=student, teacher=teacher, losses=losses, input_size=16,
            data_preprocessor=preprocessor, **kwargs))
    for loss in model.distill.values() if means else ():
        if hasattr(loss, 'set_class_means'):
            loss.set_class_means(torch.rand(5, 128, generator=torch.Generator().manual_seed(7)) + 0.1)
    return model


def batch(rng, n=6, **kwargs):
    images = torch.randint(256, (n, 3, 16, 16), generator=rng, dtype=torch.uint8)
    return default_collate([dict(inputs=x, data_samples=DataSample().set_gt_label(i % 5)) for i, x in enumerate(images)])


def step(model, data):
    """One training step of mmengine; the log's terms."""
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    return {k: float(v.detach()) for k, v in model.train_step(copy.deepcopy(data), optim).items()}


def read(model, data):
    inputs = model.data_preprocessor(copy.deepcopy(data), True)
    return inputs['inputs'], inputs['data_samples']
