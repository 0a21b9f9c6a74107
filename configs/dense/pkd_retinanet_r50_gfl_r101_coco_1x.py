"""PKD on COCO between unlike detectors: GFL with ResNet-101 teaches RetinaNet with ResNet-50, the FPN's maps. Not run here.

The student alone is configs/dense/retinanet_r50_coco_1x.py. The weight is that of public detector configs (loss: arXiv:2207.02039),
whose pairs and schedule are others.

tools/dist_train.sh configs/dense/pkd_retinanet_r50_gfl_r101_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/retinanet_r50.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::gfl/gfl_r101_fpn_ms-2x_coco.py',
    losses=dict(pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=6.0)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
