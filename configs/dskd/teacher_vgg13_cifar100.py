"""The teacher vgg13 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_cifar100.py
"""

_base_ = '../_base_/dskd/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARVGG', depth=13), head=dict(in_channels=512))
