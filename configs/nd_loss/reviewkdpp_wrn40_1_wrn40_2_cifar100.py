"""ReviewKD++ on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/nd_loss/reviewkdpp_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = 'reviewkd_wrn40_1_wrn40_2_cifar100.py'

model = dict(losses=dict(kd=dict(loss_weight=5.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=4.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=20), dict(type='mmkd_ext.ClassMeansHook')]
