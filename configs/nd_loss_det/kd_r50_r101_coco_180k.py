"""KD on COCO: ResNet-101 teaches ResNet-50. Not run here.

tools/dist_train.sh configs/nd_loss_det/kd_r50_r101_coco_180k.py 8
"""

_base_ = [
    '../_base_/models/faster_rcnn_r50.py', '../_base_/datasets/coco_180k.py', '../_base_/schedules/coco_180k.py',
    '../_base_/default_runtime_det_by_iter.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher='mmdet::faster_rcnn/faster-rcnn_r101_fpn_2x_coco.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
