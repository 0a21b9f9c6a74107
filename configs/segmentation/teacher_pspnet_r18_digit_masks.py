"""The teacher of the digit scenes: the student's PSPNet, twice as wide.

python tools/train.py configs/segmentation/teacher_pspnet_r18_digit_masks.py

It sees all 400 scenes, the students 100 of them.
"""

_base_ = [
    '../_base_/models/pspnet_narrow_r18.py', '../_base_/datasets/digit_masks.py',
    '../_base_/schedules/digit_masks.py', '../_base_/default_runtime_digit_masks.py']

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    decode_head=dict(in_channels=256, channels=64),
    auxiliary_head=dict(in_channels=128, channels=32))
