"""Faster R-CNN with FPN on an ImageNet ResNet-50: mmdet's own."""

_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'
