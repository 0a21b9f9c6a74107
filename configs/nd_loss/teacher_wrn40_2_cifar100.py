"""The teacher wrn40_2 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
"""

_base_ = ['../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARWideResNet', depth=40, width=2),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100, in_channels=128))
