"""The teacher of the digit scenes: the student's RetinaNet, its backbone, FPN and towers twice as wide.

python tools/train.py configs/dense/teacher_retinanet_r18_digit_scenes.py

It sees all 400 scenes, the students 100 of them.
"""

_base_ = [
    '../_base_/models/retinanet_narrow_r18.py', '../_base_/datasets/digit_scenes.py',
    '../_base_/schedules/digit_scenes.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=64),
    bbox_head=dict(in_channels=64, feat_channels=64))
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_dataloader = dict(dataset=dict(indices=None))
default_hooks = dict(checkpoint=dict(interval=24))
