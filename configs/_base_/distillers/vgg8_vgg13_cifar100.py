"""vgg13 teaches vgg8 on CIFAR-100: everything but the losses.

The teacher is the one that configs/dskd/teacher_vgg13_cifar100.py trains; a published one is named by
--cfg-options model.teacher.checkpoint=FILE.
"""

_base_ = '../models/vgg8_cifar100.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(model='cifar/vgg13', checkpoint='work_dirs/teacher_vgg13_cifar100/epoch_240.pth'))
