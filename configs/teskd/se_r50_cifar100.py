"""TESKD, CIFAR SE-ResNet-50 on CIFAR-100; the students are 512 wide for the reason in r50_cifar100.py. Not run here."""

_base_ = './r50_cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.SEResNet_CIFAR'))
