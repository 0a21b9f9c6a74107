"""TESKD, ResNet-34 on ImageNet. Differs from r18_imagenet.py in depth only. Not run here."""

_base_ = './r18_imagenet.py'

model = dict(backbone=dict(depth=34))
