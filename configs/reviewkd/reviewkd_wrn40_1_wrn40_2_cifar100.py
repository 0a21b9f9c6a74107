"""ReviewKD on CIFAR-100: wrn40_2 teaches wrn40_1. Not run here.

The weight of ReviewKD's own script.

python tools/train.py configs/nd_loss/teacher_wrn40_2_cifar100.py
python tools/train.py configs/reviewkd/reviewkd_wrn40_1_wrn40_2_cifar100.py
"""

_base_ = [
    '../_base_/distillers/wrn40_1_wrn40_2_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2), teacher_stages=(0, 1, 2), loss_weight=5.0)))
