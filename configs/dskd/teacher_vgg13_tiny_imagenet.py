"""The teacher vgg13 on TinyImageNet. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_tiny_imagenet.py
"""

_base_ = '../_base_/dskd/tiny_imagenet.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARVGG', depth=13), head=dict(in_channels=512))
