"""TESKD, VGG-19 with BatchNorm on CIFAR-100. Differs from vgg16_cifar100.py in depth only. Not run here."""

_base_ = './vgg16_cifar100.py'

model = dict(backbone=dict(depth=19))
