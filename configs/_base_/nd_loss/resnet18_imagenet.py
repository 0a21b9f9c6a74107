"""A distiller around resnet18 on ImageNet: everything but the teacher and the losses."""

_base_ = '../../nd_loss/resnet18_imagenet.py'

model = dict(_delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model)
