"""The teacher vgg13 on TinyImageNet. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_tiny_imagenet.py
"""

_base_ = [
    '../_base_/datasets/tiny_imagenet.py', '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARVGG', depth=13),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=200, in_channels=512))
