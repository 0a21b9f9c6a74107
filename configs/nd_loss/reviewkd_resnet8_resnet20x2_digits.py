"""ReviewKD on digits: three stages and the embedding, the teacher's before their ReLU. How to run it: kd_resnet8_resnet20x2_digits.py."""

_base_ = 'kd_resnet8_resnet20x2_digits.py'

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 4))),
    teacher=dict(options=dict(backbone=dict(out_indices=(1, 2, 3, 4), pre_activation=True))),
    losses=dict(
        kd=dict(
            _delete_=True,
            type='mmkd_ext.ReviewKDLoss',
            student_stages=(0, 1, 2),
            teacher_stages=(0, 1, 2),
            loss_weight=1.2)))
