"""The teacher vgg13 on CIFAR-100, for those who have no published checkpoint of it. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_cifar100.py
"""

_base_ = [
    '../_base_/datasets/cifar100_b64.py', '../_base_/schedules/cifar100_240e_b64.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARVGG', depth=13),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100, in_channels=512))
