"""The student of the digit scenes alone: what the distilled ones are to be compared with.

python tools/train.py configs/segmentation/pspnet_narrow_r18_digit_masks.py
"""

_base_ = [
    '../_base_/models/pspnet_narrow_r18.py', '../_base_/datasets/digit_masks_100.py',
    '../_base_/schedules/digit_masks_30e.py', '../_base_/default_runtime_digit_masks.py']
