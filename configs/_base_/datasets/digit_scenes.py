"""Scenes of scikit-learn's handwritten digits with boxes, 128 px: no network; the files are made on first use."""

_scenes = 'data/digit_scenes'

train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True),
    # no flips: a mirrored digit is not a digit
    dict(type='RandomResize', scale=[(112, 112), (144, 144)], keep_ratio=True), dict(type='PackDetInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(128, 128), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(type='mmkd_ext.DigitScenes', split='train', scenes=400, seed=0, root=_scenes, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmkd_ext.DigitScenes', split='test', scenes=200, seed=0, root=_scenes, pipeline=test_pipeline))
val_evaluator = dict(type='CocoMetric', ann_file=f'{_scenes}/test_200_seed0/annotations.json', metric='bbox')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
