"""wrn40_2 teaches wrn16_2 on CIFAR-100: everything but the losses.

The teacher is the one that configs/nd_loss/teacher_wrn40_2_cifar100.py trains; a published one is named by
--cfg-options model.teacher.checkpoint=FILE.
"""

_base_ = '../models/wrn16_2_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(model='cifar/wrn_40_2', checkpoint='work_dirs/teacher_wrn40_2_cifar100/epoch_240.pth'))
