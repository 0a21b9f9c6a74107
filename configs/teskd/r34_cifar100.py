"""TESKD, CIFAR ResNet-34 on CIFAR-100. Differs from r18_cifar100.py in depth only. Not run here.

python tools/train.py configs/teskd/r34_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_resnet18_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']

model = dict(backbone=dict(depth=34))
