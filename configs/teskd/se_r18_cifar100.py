"""TESKD, CIFAR SE-ResNet-18 on CIFAR-100. Not run here."""

_base_ = './r18_cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.SEResNet_CIFAR'))
