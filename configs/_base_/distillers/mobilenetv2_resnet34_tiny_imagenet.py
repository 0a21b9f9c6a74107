"""resnet34 teaches mobilenetv2 on TinyImageNet: everything but the losses.

The teacher is the one that configs/dskd/teacher_resnet34_tiny_imagenet.py trains.
"""

_base_ = '../models/mobilenetv2_cifar100.py'

_base_.model.head.num_classes = 200
model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/../../dskd/teacher_resnet34_tiny_imagenet.py',
        checkpoint='work_dirs/teacher_resnet34_tiny_imagenet/epoch_240.pth'))
