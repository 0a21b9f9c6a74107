"""DIST on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

No public weights of this pair were found: DIST++'s, so that the two differ in ND alone.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/dist/dist_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = [
    '../_base_/distillers/wrn40_1_wrn40_2_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=2.5)))
