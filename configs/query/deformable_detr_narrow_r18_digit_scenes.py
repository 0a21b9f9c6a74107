"""The student of the digit scenes alone: what the distilled ones are to be compared with.

python tools/train.py configs/query/deformable_detr_narrow_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/models/deformable_detr_narrow_r18.py', '../_base_/datasets/digit_scenes_100.py',
    '../_base_/schedules/digit_scenes_96e.py', '../_base_/default_runtime_digit_scenes.py']

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=1e-4), clip_grad=dict(_delete_=True, max_norm=0.1, norm_type=2))
