"""KD on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

The field's weights (mdistiller): 0.9, 0.1 for the labels, no ramp.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/kd/kd_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = [
    '../_base_/distillers/wrn40_1_wrn40_2_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(head=dict(loss=dict(type='CrossEntropyLoss', loss_weight=0.1))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=0.9)))
