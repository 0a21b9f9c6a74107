"""Small networks that train together: students, teacher, losses, and the config of their MutualLearningDistiller."""

import torch
from mmengine.registry import DefaultScope

from mmkd_ext.registry import MODELS

PREPROCESSOR = dict(mean=[100.0] * 3, std=[50.0] * 3, num_classes=5)
SMALL, LARGE = dict(model='cifar/resnet8', num_classes=5), dict(model='cifar/resnet14', num_classes=5)
TIMM = dict(model='timm/test_resnet', num_classes=5)
VIT = dict(model='timm/test_vit', num_classes=5, options=dict(img_size=16, patch_size=4))
KD, ML = dict(type='mmkd_ext.KDLoss', tau=3.0), dict(type='mmkd_ext.MutualLearningLoss', tau=2.0)
LOSSES = dict(kd=KD, ml=ML)


def distiller(students=None, teacher=LARGE, losses=LOSSES, **kwargs):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(config(students, teacher, losses, **kwargs))


def config(students=None, teacher=LARGE, losses=LOSSES, **kwargs):
    return dict(
        dict(type='mmkd_ext.MutualLearningDistiller', students=students or dict(a=SMALL, b=SMALL), teacher=teacher, losses=losses,
             input_size=16, data_preprocessor=PREPROCESSOR), **kwargs)  # fmt: skip
