"""The teacher resnet50 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet50_cifar100.py
"""

_base_ = '../_base_/nd_loss/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARResNet50'), head=dict(in_channels=2048))
