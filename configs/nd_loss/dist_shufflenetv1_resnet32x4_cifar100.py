"""DIST on CIFAR-100: resnet32x4 teaches shufflenetv1. Not run here.

No public weights of this pair were found: DIST++'s, so that the two differ in ND alone.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/nd_loss/dist_shufflenetv1_resnet32x4_cifar100.py
"""

_base_ = ['../_base_/nd_loss/shufflenetv1_resnet32x4_cifar100.py', '../_base_/nd_loss/ramp_20.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=2.5)))
