"""TESKD on a CIFAR ResNet-50.

The students are 512 wide: at the last stage's 2048, as in the released code, they have 411 M parameters beside a backbone of 23.5 M.
"""

_base_ = 'teskd_resnet18_cifar100.py'

model = dict(
    backbone=dict(depth=50),
    neck=dict(in_channels=(256, 512, 1024, 2048), channels=512),
    head=dict(in_channels=2048))
