"""shufflenetv1 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/nd_loss/shufflenetv1_cifar100.py
"""

_base_ = '../_base_/nd_loss/cifar100.py'

model = dict(backbone=dict(type='mmkd_ext.CIFARShuffleNetV1'), head=dict(in_channels=960))
optim_wrapper = dict(optimizer=dict(lr=0.02))
