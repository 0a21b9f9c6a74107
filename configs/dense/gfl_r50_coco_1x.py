"""The student of the COCO pair for LD alone: GFL with ResNet-50. Not run here.

tools/dist_train.sh configs/dense/gfl_r50_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/gfl_r50.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

optim_wrapper = dict(optimizer=dict(lr=0.01))
