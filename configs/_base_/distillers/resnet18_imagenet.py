"""A distiller around resnet18 on ImageNet: everything but the teacher and the losses."""

_base_ = 'mmpretrain::_base_/models/resnet18.py'

model = dict(_delete_=True, type='mmkd_ext.OfflineDistiller', student=_base_.model)
