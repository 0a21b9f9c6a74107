"""The student of the COCO pairs alone: Faster R-CNN with ResNet-50. Not run here.

tools/dist_train.sh configs/nd_loss_det/faster_rcnn_r50_coco_1x.py 8
"""

_base_ = ['../_base_/nd_loss_det/faster_rcnn_r50.py', '../_base_/nd_loss_det/coco_1x.py']
