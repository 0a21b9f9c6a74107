"""Digit scenes: a Faster R-CNN and two half as wide train together, from nothing.

    python tools/train.py configs/mutual/kdml_two_narrow_r18_r18_digit_scenes.py

The ensemble joins the students' boxes by weighted box fusion.
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    _delete_=True, type='mmkd_ext.TwoStageMutualLearningDistiller',
    students=dict(first=_base_.model, second=_base_.model),
    teacher=dict(model='{{ fileDirname }}/../nd_loss_det/teacher_r18_digit_scenes.py'),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=1.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
