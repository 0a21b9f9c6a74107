"""TESKD on what the paper calls ResNeXt-18: basic blocks of twice the inner width, no groups."""

_base_ = 'teskd_resnet18_cifar100.py'

# As the paper's ResNeXt code, students included.
kaiming = [
    dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu'),
    dict(type='Constant', layer='_BatchNorm', val=1.0)
]

model = dict(backbone=dict(type='mmkd_ext.ResNeXt_CIFAR', init_cfg=kaiming), neck=dict(init_cfg=kaiming))
