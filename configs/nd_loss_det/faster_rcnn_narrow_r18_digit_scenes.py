"""The student of the digit scenes alone: what the distilled ones are to be compared with.

python tools/train.py configs/nd_loss_det/faster_rcnn_narrow_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']
