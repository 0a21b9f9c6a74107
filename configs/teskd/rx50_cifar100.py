"""TESKD, CIFAR ResNeXt-50 32x4d on CIFAR-100; the students are 512 wide for the reason in r50_cifar100.py. Not run here.

python tools/train.py configs/teskd/rx50_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_resnext18_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']

model = dict(
    backbone=dict(depth=50),
    neck=dict(in_channels=(256, 512, 1024, 2048), channels=512),
    head=dict(in_channels=2048))
