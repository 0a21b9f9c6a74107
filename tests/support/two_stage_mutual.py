"""Small detectors that train together, and the config of their TwoStageMutualLearningDistiller."""

import torch
from mmengine.registry import DefaultScope
from support.detection import tiny

from mmkd_ext.registry import MODELS

LOSSES = dict(
    kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.5), ml=dict(type='mmkd_ext.MutualLearningLoss', loss_weight=0.5))


def config(students=None, teacher=None, losses=LOSSES, **kwargs):
    students = students or dict(a=tiny(), b=tiny(embedding=24))
    return dict(
        type='mmkd_ext.TwoStageMutualLearningDistiller', students=students, teacher=tiny(width=16) if teacher is None else teacher,
        losses=losses, input_size=64, data_preprocessor=tiny()['data_preprocessor'], **kwargs)  # fmt: skip


def distiller(*args, **kwargs):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(config(*args, **kwargs))
