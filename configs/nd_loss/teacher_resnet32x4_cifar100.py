"""The teacher resnet32x4 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
"""

_base_ = ['../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARResNet', depth=32, width=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100, in_channels=256))
