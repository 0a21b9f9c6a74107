"""The student of the COCO pair alone: FCOS with ResNet-50, as mmdet trains it. Not run here.

tools/dist_train.sh configs/dense/fcos_r50_coco_1x.py 8
"""

_base_ = '../_base_/models/fcos_r50_coco.py'
