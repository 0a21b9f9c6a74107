"""COCO as KD++ draws it: one image on each of 8 GPUs, without end, its short side 640 to 800."""

_base_ = 'mmdet::_base_/datasets/coco_detection.py'

train_dataloader = dict(
    batch_size=1,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True),
        dict(type='RandomChoiceResize', scales=[(1333, side) for side in range(640, 801, 32)], keep_ratio=True),
        dict(type='RandomFlip', prob=0.5), dict(type='PackDetInputs')]))
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
