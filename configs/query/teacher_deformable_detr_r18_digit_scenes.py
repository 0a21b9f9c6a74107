"""The teacher of the digit scenes: the student's Deformable DETR, its backbone and its transformer twice as wide.

python tools/train.py configs/query/teacher_deformable_detr_r18_digit_scenes.py

It sees all 400 scenes, the students 100 of them.
"""

_base_ = [
    '../_base_/models/deformable_detr_narrow_r18.py', '../_base_/datasets/digit_scenes.py',
    '../_base_/schedules/digit_scenes.py', '../_base_/default_runtime_digit_scenes.py']

_attention = dict(embed_dims=128, num_heads=8)
_ffn = dict(embed_dims=128, feedforward_channels=256)

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[64, 128, 256], out_channels=128),
    encoder=dict(layer_cfg=dict(self_attn_cfg=_attention, ffn_cfg=_ffn)),
    decoder=dict(layer_cfg=dict(self_attn_cfg=_attention, cross_attn_cfg=_attention, ffn_cfg=_ffn)),
    positional_encoding=dict(num_feats=64),
    bbox_head=dict(embed_dims=128))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=1e-4), clip_grad=dict(_delete_=True, max_norm=0.1, norm_type=2))
train_dataloader = dict(dataset=dict(indices=None))
default_hooks = dict(checkpoint=dict(interval=24))
