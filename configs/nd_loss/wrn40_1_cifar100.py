"""wrn40_1 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/nd_loss/wrn40_1_cifar100.py
"""

_base_ = '../_base_/nd_loss/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARWideResNet', depth=40, width=1), head=dict(in_channels=64))
