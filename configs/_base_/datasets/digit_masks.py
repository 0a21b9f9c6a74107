"""Scenes of scikit-learn's handwritten digits with label maps, 128 px, eleven classes: no network; the files are made on first use."""

_scenes = 'data/digit_masks'

train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(96, 96)), dict(type='PackSegInputs')]  # no flips: a mirrored digit is not a digit
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmkd_ext.DigitMasks', split='train', scenes=400, seed=0, root=_scenes, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmkd_ext.DigitMasks', split='test', scenes=200, seed=0, root=_scenes, pipeline=test_pipeline))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_dataloader = val_dataloader
test_evaluator = val_evaluator
