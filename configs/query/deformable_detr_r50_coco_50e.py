"""The student of the COCO pair alone: Deformable DETR with ResNet-50. Not run here.

tools/dist_train.sh configs/query/deformable_detr_r50_coco_50e.py 16
"""

_base_ = '../_base_/models/deformable_detr_r50_coco.py'
