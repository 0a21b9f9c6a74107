"""vgg8 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/vgg8_tiny_imagenet.py
"""

_base_ = '../_base_/dskd/tiny_imagenet.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARVGG', depth=8), head=dict(in_channels=512))
