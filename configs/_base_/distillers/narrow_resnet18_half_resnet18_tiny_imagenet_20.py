"""A ResNet-18 of half its width teaches one of a quarter, both with ImageNet's stem, on 20 classes of TinyImageNet: all but the losses.

The teacher is the one that configs/dskd/teacher_half_resnet18_tiny_imagenet_20.py trains.
"""

_base_ = '../models/narrow_resnet18_tiny_imagenet_20.py'

model = dict(
    _delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model,
    teacher=dict(
        model='{{ fileDirname }}/../../dskd/teacher_half_resnet18_tiny_imagenet_20.py',
        checkpoint='work_dirs/teacher_half_resnet18_tiny_imagenet_20/epoch_15.pth'))
