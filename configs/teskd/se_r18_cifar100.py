"""TESKD, CIFAR SE-ResNet-18 on CIFAR-100. Not run here.

python tools/train.py configs/teskd/se_r18_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_resnet18_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']

model = dict(backbone=dict(type='mmkd_ext.SEResNet_CIFAR'))
