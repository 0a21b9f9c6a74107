"""KD on COCO: ATSS, ResNet-101 teaches ResNet-50, class scores at positive anchors. Not run here.

The weight is that of the two-stage recipes: no paper has this form for ATSS.

tools/dist_train.sh configs/dense/kd_atss_r50_r101_coco_1x.py 8
"""

_base_ = '../_base_/models/atss_r50_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::atss/atss_r101_fpn_1x_coco.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
