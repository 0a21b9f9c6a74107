"""The teacher wrn40_2 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
"""

_base_ = '../_base_/nd_loss/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARWideResNet', depth=40, width=2), head=dict(in_channels=128))
