"""resnet8x4 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/resnet8x4_b64_cifar100.py
"""

_base_ = '../_base_/dskd/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARResNet', depth=8, width=4), head=dict(in_channels=256))
