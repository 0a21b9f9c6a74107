"""PKD on COCO: ATSS, ResNet-101 teaches ResNet-50, the maps that enter the head. Not run here.

The weight is that of public detector configs (loss: arXiv:2207.02039), whose teachers and schedule are others.

tools/dist_train.sh configs/dense/pkd_atss_r50_r101_coco_1x.py 8
"""

_base_ = '../_base_/models/atss_r50_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::atss/atss_r101_fpn_1x_coco.py',
    losses=dict(pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=6.0)))
