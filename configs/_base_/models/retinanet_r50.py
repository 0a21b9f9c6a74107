"""RetinaNet on an ImageNet ResNet-50: mmdet's own."""

_base_ = 'mmdet::_base_/models/retinanet_r50_fpn.py'
