"""TESKD, CIFAR ResNet-50 on CIFAR-100. Not run here.

The students are 512 wide: at the last stage's 2048, as in the released code, they have 411 M parameters beside a backbone of 23.5 M.

python tools/train.py configs/teskd/r50_cifar100.py
"""

_base_ = [
    '../_base_/models/teskd_resnet50_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']
