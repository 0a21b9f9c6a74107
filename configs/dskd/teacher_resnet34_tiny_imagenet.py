"""The teacher resnet34 on TinyImageNet. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
"""

_base_ = [
    '../_base_/datasets/tiny_imagenet.py', '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=34),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=200, in_channels=512))
