"""DKD on CIFAR-100: resnet32x4 teaches shufflenetv1. Not run here.

The field's weights (mdistiller).

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/dkd/dkd_shufflenetv1_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv1_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DKDLoss', tau=4.0, alpha=1.0, beta=8.0)))
