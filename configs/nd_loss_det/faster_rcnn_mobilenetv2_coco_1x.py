"""The student of the COCO pairs alone: Faster R-CNN with MobileNetV2. Not run here.

tools/dist_train.sh configs/nd_loss_det/faster_rcnn_mobilenetv2_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/faster_rcnn_mobilenetv2.py', '../_base_/datasets/coco.py',
    'mmdet::_base_/schedules/schedule_1x.py', '../_base_/default_runtime_det.py']
