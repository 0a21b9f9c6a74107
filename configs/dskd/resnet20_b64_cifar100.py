"""resnet20 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/resnet20_b64_cifar100.py
"""

_base_ = '../_base_/dskd/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARResNet', depth=20), head=dict(in_channels=64))
