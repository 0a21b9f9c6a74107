"""PKD on COCO: RTMDet-m teaches RTMDet-tiny, the maps that enter the head. Not run here.

The weight is that of public detector configs (loss: arXiv:2207.02039), whose teachers and schedule are others.

tools/dist_train.sh configs/dense/pkd_rtmdet_tiny_m_coco_300e.py 8
"""

_base_ = '../_base_/models/rtmdet_tiny_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::rtmdet/rtmdet_m_8xb32-300e_coco.py',
    losses=dict(pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=6.0)))
