"""DKD++ on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/nd_loss/dkdpp_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = ['../_base_/nd_loss/wrn40_1_wrn40_2_cifar100.py', '../_base_/nd_loss/ramp_20_class_means.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=4.0, alpha=1.0, beta=6.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
