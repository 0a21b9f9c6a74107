"""Polyps of 192 px: a trained Faster R-CNN on EfficientNet-Lite0 teaches two small ones, which teach each other.

MMKD_POLYPS=FOLDER python tools/train.py configs/nd_loss_det/teacher_lite0_polyps_192.py
MMKD_POLYPS=FOLDER python tools/train.py configs/mutual/kdml_two_cut_lite0_lite0_polyps_192.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_cut_lite0.py', '../_base_/datasets/polyps_192.py', '../_base_/schedules/polyps_2e.py',
    '../_base_/default_runtime_det.py']

model = dict(
    _delete_=True,
    type='mmkd_ext.TwoStageMutualLearningDistiller',
    students=dict(first=_base_.model, second=_base_.model),
    teacher=dict(
        model='{{ fileDirname }}/../nd_loss_det/teacher_lite0_polyps_192.py',
        checkpoint='work_dirs/teacher_lite0_polyps_192/epoch_4.pth'),
    freeze_teacher=True,
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
