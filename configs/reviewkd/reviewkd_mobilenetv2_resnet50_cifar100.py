"""ReviewKD on CIFAR-100: resnet50 teaches mobilenetv2. Not run here.

No public weight of this pair was found: ReviewKD++'s, so that the two differ in ND alone.

python tools/train.py configs/nd_loss/teacher_resnet50_cifar100.py
python tools/train.py configs/reviewkd/reviewkd_mobilenetv2_resnet50_cifar100.py
"""

_base_ = [
    '../_base_/distillers/mobilenetv2_resnet50_cifar100.py', '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar100_240e_lr002.py', '../_base_/hooks/ramp_20.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4, 5))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4, 5), pre_activation=True))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2, 3), teacher_stages=(0, 1, 2, 3), loss_weight=6.0)))
