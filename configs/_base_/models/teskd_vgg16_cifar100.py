"""TESKD on VGG-16 with BatchNorm, a 512-512-512 perceptron as the teacher's classifier.

The stages are those after the second to fifth max-pooling (8, 4, 2, 1 px); the branches' strides are the paper's 4, 2, 1, which
end at 2 px.
"""

_base_ = 'teskd_resnet18_cifar100.py'

# As the paper's VGG code, students included.
kaiming = [
    dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu'),
    dict(type='Constant', layer='_BatchNorm', val=1.0)
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='VGG',
        depth=16,
        norm_cfg=dict(type='BN'),
        out_indices=(1, 2, 3, 4),
        init_cfg=kaiming),
    neck=dict(in_channels=(128, 256, 512, 512), branch_strides=(4, 2, 1), init_cfg=kaiming),
    head=dict(
        type='mmkd_ext.TESKDStackedHead',
        mid_channels=(512, 512),
        init_cfg=dict(type='Normal', layer='Linear', std=0.01)))
