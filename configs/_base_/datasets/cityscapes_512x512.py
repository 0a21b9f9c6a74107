"""Cityscapes as mmseg has it, in crops of 512 x 512: 4 images on each of 4 GPUs."""

_base_ = 'mmseg::_base_/datasets/cityscapes.py'

train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(512, 512), cat_max_ratio=0.75), dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]
# workers that end with the epoch: a run that is resumed draws the same augmentations
train_dataloader = dict(batch_size=4, persistent_workers=False, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
