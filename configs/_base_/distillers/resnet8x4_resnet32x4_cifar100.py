"""resnet32x4 teaches resnet8x4 on CIFAR-100: everything but the losses.

The teacher is the one that configs/nd_loss/teacher_resnet32x4_cifar100.py trains; a published one is named by
--cfg-options model.teacher.checkpoint=FILE.
"""

_base_ = '../models/resnet8x4_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(model='cifar/resnet32x4', checkpoint='work_dirs/teacher_resnet32x4_cifar100/epoch_240.pth'))
