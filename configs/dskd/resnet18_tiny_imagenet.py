"""resnet18 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/resnet18_tiny_imagenet.py
"""

_base_ = '../_base_/dskd/tiny_imagenet.py'

model = dict(backbone=dict(type='ResNet_CIFAR', depth=18), head=dict(in_channels=512))
