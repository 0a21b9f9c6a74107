"""ResNet-20x2 teaches ResNet-8 on digits: everything but the losses.

The teacher is the one that configs/nd_loss/teacher_resnet20x2_digits.py trains.
"""

_base_ = '../models/resnet8_digits.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/../../nd_loss/teacher_resnet20x2_digits.py',
        checkpoint='work_dirs/teacher_resnet20x2_digits/epoch_30.pth'),
    input_size=16)
