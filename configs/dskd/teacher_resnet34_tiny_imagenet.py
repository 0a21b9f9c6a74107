"""The teacher resnet34 on TinyImageNet. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
"""

_base_ = '../_base_/dskd/tiny_imagenet.py'

model = dict(backbone=dict(type='ResNet_CIFAR', depth=34), head=dict(in_channels=512))
