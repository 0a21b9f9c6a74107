"""TESKD, what the paper calls ResNeXt-34 (basic blocks of twice the inner width, no groups) on CIFAR-100. Not run here."""

_base_ = './rx18_cifar100.py'

model = dict(backbone=dict(depth=34))
