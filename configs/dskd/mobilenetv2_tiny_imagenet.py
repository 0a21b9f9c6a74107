"""mobilenetv2 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/mobilenetv2_tiny_imagenet.py
"""

_base_ = '../_base_/dskd/tiny_imagenet.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARMobileNetV2'), head=dict(in_channels=1280))
optim_wrapper = dict(optimizer=dict(lr=0.01))
