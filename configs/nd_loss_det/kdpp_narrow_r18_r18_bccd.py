"""KD++ on the blood cells. The teacher has to be trained first.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/teacher_r18_bccd.py
MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/kdpp_narrow_r18_r18_bccd.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/bccd.py', '../_base_/schedules/bccd_16e.py',
    '../_base_/default_runtime_det.py']

_base_.model.roi_head.bbox_head.num_classes = 3
_base_.model.test_cfg.rcnn.max_per_img = 100
model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/nd_loss_det/teacher_r18_bccd.py', checkpoint='work_dirs/teacher_r18_bccd/epoch_16.pth'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1))
