"""Polyps: a Faster R-CNN with ResNet-101 and two with ResNet-50. Not run here.

MMKD_POLYPS=FOLDER tools/dist_train.sh configs/mutual/kdml_two_r50_r101_polyps.py 1

The networks are ours: the paper's detector is not known. Each starts from ImageNet's weights of its backbone.
"""

_base_ = ['../_base_/mutual/polyps.py', '../_base_/datasets/polyps.py', '../_base_/default_runtime_det.py']

model = dict(
    students=dict(
        first=dict(model='{{ fileDirname }}/../_base_/models/faster_rcnn_r50.py', num_classes=1),
        second=dict(model='{{ fileDirname }}/../_base_/models/faster_rcnn_r50.py', num_classes=1)),
    teacher=dict(model='{{ fileDirname }}/../_base_/models/faster_rcnn_r101.py', num_classes=1))
