"""A distiller around mobilenetv1 on ImageNet: everything but the teacher and the losses."""

_base_ = '../models/mobilenetv1_imagenet.py'

model = dict(_delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model)
