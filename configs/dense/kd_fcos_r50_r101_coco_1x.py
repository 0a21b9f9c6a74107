"""KD on COCO: FCOS, ResNet-101 teaches ResNet-50, class scores at positive points. Not run here.

The weight is that of the two-stage recipes: no paper has this form for FCOS.

tools/dist_train.sh configs/dense/kd_fcos_r50_r101_coco_1x.py 8
"""

_base_ = '../_base_/models/fcos_r50_coco.py'

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::fcos/fcos_r101-caffe_fpn_gn-head_ms-640-800-2x_coco.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
