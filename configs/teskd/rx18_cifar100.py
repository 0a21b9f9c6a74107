"""TESKD, what the paper calls ResNeXt-18 (basic blocks of twice the inner width, no groups) on CIFAR-100. Not run here.

python tools/train.py configs/teskd/rx18_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_resnext18_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']
