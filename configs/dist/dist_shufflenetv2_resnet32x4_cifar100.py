"""DIST on CIFAR-100: resnet32x4 teaches shufflenetv2. Not run here.

No public weights of this pair were found: DIST++'s, so that the two differ in ND alone.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/dist/dist_shufflenetv2_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv2_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=3.0)))
