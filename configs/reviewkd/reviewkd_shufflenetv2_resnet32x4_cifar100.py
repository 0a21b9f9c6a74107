"""ReviewKD on CIFAR-100: resnet32x4 teaches shufflenetv2. Not run here.

The weight of ReviewKD's own script.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/reviewkd/reviewkd_shufflenetv2_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv2_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2), teacher_stages=(0, 1, 2), loss_weight=8.0)))
