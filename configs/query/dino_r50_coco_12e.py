"""The student of the COCO pair alone: DINO of 4 scales with ResNet-50. Not run here.

tools/dist_train.sh configs/query/dino_r50_coco_12e.py 8
"""

_base_ = '../_base_/models/dino_r50_coco.py'
