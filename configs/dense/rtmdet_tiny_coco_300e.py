"""The student of the COCO pair alone: RTMDet-tiny, as mmdet trains it. Not run here.

tools/dist_train.sh configs/dense/rtmdet_tiny_coco_300e.py 8
"""

_base_ = '../_base_/models/rtmdet_tiny_coco.py'
