"""The student of the digit scenes alone: what the distilled ones are to be compared with.

python tools/train.py configs/dense/retinanet_narrow_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/retinanet_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

optim_wrapper = dict(optimizer=dict(lr=0.01))
