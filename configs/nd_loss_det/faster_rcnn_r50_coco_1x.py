"""The student of the COCO pairs alone: Faster R-CNN with ResNet-50. Not run here.

tools/dist_train.sh configs/nd_loss_det/faster_rcnn_r50_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/faster_rcnn_r50.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']
