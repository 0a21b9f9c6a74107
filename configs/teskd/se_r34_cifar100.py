"""TESKD, CIFAR SE-ResNet-34 on CIFAR-100. Not run here."""

_base_ = './r34_cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.SEResNet_CIFAR'))
