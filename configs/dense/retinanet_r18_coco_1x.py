"""The student of the COCO pair alone: RetinaNet with ResNet-18. Not run here.

tools/dist_train.sh configs/dense/retinanet_r18_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/retinanet_r18.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

optim_wrapper = dict(optimizer=dict(lr=0.01))
