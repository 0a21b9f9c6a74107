"""vgg13 teaches vgg8 on TinyImageNet: everything but the losses.

The teacher is the one that configs/dskd/teacher_vgg13_tiny_imagenet.py trains.
"""

_base_ = '../models/vgg8_cifar100.py'

_base_.model.head.num_classes = 200
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/../../dskd/teacher_vgg13_tiny_imagenet.py',
        checkpoint='work_dirs/teacher_vgg13_tiny_imagenet/epoch_240.pth'))
