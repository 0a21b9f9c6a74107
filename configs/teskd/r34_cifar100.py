"""TESKD, CIFAR ResNet-34 on CIFAR-100. Differs from r18_cifar100.py in depth only. Not run here."""

_base_ = './r18_cifar100.py'

model = dict(backbone=dict(depth=34))
