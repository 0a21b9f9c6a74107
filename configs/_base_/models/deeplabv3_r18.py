"""DeepLabV3 on an ImageNet ResNet-18 at stride 8, as mmseg has it for Cityscapes, for crops of 512 x 512."""

_base_ = 'mmseg::_base_/models/deeplabv3_r50-d8.py'

model = dict(
    data_preprocessor=dict(size=(512, 512)),
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(depth=18),
    decode_head=dict(in_channels=512, channels=128),
    auxiliary_head=dict(in_channels=256, channels=64))
