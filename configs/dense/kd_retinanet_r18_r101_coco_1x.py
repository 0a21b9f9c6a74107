"""KD on COCO: ResNet-101 teaches ResNet-18, class scores at positive anchors. Not run here.

The weight is that of the two-stage recipes: no paper has this form for RetinaNet.

tools/dist_train.sh configs/dense/kd_retinanet_r18_r101_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/retinanet_r18.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::retinanet/retinanet_r101_fpn_2x_coco.py',
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
