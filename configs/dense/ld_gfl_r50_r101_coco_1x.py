"""LD on COCO: ResNet-101 teaches ResNet-50, the distributions of the edges of boxes at positive points. Not run here.

tau and weight are the paper's (arXiv:2102.12252), which compares a second region as well.

tools/dist_train.sh configs/dense/ld_gfl_r50_r101_coco_1x.py 8
"""

_base_ = [
    '../_base_/models/gfl_r50.py', '../_base_/datasets/coco.py', 'mmdet::_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.OfflineDistiller',
    student=_base_.model,
    teacher='mmdet::gfl/gfl_r101_fpn_ms-2x_coco.py',
    losses=dict(ld=dict(type='mmkd_ext.LDLoss', tau=10.0, loss_weight=0.25)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
