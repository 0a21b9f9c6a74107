"""The teacher of the digit scenes: the student's Faster R-CNN, its backbone twice as wide and its box head too.

python tools/train.py configs/nd_loss_det/teacher_r18_digit_scenes.py

It sees all 400 scenes, the students 100 of them.
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/digit_scenes.py',
    '../_base_/schedules/digit_scenes.py', '../_base_/default_runtime_digit_scenes.py']

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256]),
    roi_head=dict(bbox_head=dict(fc_out_channels=256)))
train_dataloader = dict(dataset=dict(indices=None))
default_hooks = dict(checkpoint=dict(interval=24))
