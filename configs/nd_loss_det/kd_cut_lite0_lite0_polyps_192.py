"""Polyps of 192 px, KD: the teacher's class scores at the regions that the student samples. The teacher has to be trained first.

MMKD_POLYPS=FOLDER python tools/train.py configs/nd_loss_det/teacher_lite0_polyps_192.py
MMKD_POLYPS=FOLDER python tools/train.py configs/nd_loss_det/kd_cut_lite0_lite0_polyps_192.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_cut_lite0.py', '../_base_/datasets/polyps_192.py', '../_base_/schedules/polyps_2e.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageDistiller',
    student=_base_.model,
    teacher=dict(
        model='configs/nd_loss_det/teacher_lite0_polyps_192.py', checkpoint='work_dirs/teacher_lite0_polyps_192/epoch_4.pth'),
    losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0)))
