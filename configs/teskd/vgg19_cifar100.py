"""TESKD, VGG-19 with BatchNorm on CIFAR-100. Differs from vgg16_cifar100.py in depth only. Not run here.

python tools/train.py configs/teskd/vgg19_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_vgg16_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']

model = dict(backbone=dict(depth=19))
