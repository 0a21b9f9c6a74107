"""CrossKD on COCO: ResNet-101 teaches ResNet-50, whose features go through the teacher's last convolutions. Not run here.

The weight is the paper's (arXiv:2306.11369), which has the branch of boxes as well.

tools/dist_train.sh configs/dense/crosskd_gfl_r50_r101_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/gfl_r50.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::gfl/gfl_r101_fpn_ms-2x_coco.py',
    losses=dict(crosskd=dict(type='mmkd_ext.CrossKDLoss', loss_weight=1.0)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
