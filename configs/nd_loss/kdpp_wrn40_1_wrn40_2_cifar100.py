"""KD++ on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/nd_loss/kdpp_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = [
    '../_base_/distillers/wrn40_1_wrn40_2_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20_class_means.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
