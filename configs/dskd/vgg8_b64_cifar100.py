"""vgg8 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/vgg8_b64_cifar100.py
"""

_base_ = '../_base_/dskd/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARVGG', depth=8), head=dict(in_channels=512))
