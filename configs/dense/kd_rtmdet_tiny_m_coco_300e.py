"""KD on COCO: RTMDet-m teaches RTMDet-tiny, class scores at positive points. Not run here.

The weight is that of the two-stage recipes: no paper has this form for RTMDet.

tools/dist_train.sh configs/dense/kd_rtmdet_tiny_m_coco_300e.py 8
"""

_base_ = '../_base_/models/rtmdet_tiny_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::rtmdet/rtmdet_m_8xb32-300e_coco.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
