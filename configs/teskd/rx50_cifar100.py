"""TESKD, CIFAR ResNeXt-50 32x4d on CIFAR-100; the students are 512 wide for the reason in r50_cifar100.py. Not run here."""

_base_ = './rx18_cifar100.py'

model = dict(
    backbone=dict(depth=50),
    neck=dict(in_channels=(256, 512, 1024, 2048), channels=512),
    head=dict(in_channels=2048))
