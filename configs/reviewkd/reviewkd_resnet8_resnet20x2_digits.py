"""ReviewKD on digits; ResNet-20x2 teaches ResNet-8. Train the teacher first; each takes about a minute on a CPU.

    python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
    python tools/train.py configs/reviewkd/reviewkd_resnet8_resnet20x2_digits.py

Three stages and the embedding, the teacher's before their ReLU.
"""

_base_ = [
    '../_base_/distillers/resnet8_resnet20x2_digits.py', '../_base_/datasets/digits_100.py',
    '../_base_/schedules/digits.py', '../_base_/hooks/ramp_10.py', '../_base_/default_runtime_digits.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True))),
    losses=dict(
        kd=dict(
            type='mmkd_ext.ReviewKDLoss', student_stages=(0, 1, 2), teacher_stages=(0, 1, 2), loss_weight=1.2)))
