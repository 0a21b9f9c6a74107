"""ReviewKD++ on CIFAR-100: resnet32x4 teaches shufflenetv1. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/nd_loss/reviewkdpp_shufflenetv1_resnet32x4_cifar100.py
"""

_base_ = [
    '../_base_/distillers/shufflenetv1_resnet32x4_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20_class_means.py',
    '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2), teacher_stages=(0, 1, 2), loss_weight=7.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
