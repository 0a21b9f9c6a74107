"""wrn16_2 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/wrn16_2_b64_cifar100.py
"""

_base_ = '../_base_/dskd/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARWideResNet', depth=16, width=2), head=dict(in_channels=128))
