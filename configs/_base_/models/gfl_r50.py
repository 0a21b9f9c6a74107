"""GFL on an ImageNet ResNet-50: mmdet's own."""

_base_ = 'gfl_r18.py'

model = dict(
    backbone=dict(depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(in_channels=[256, 512, 1024, 2048]))
