"""The polyps with a longer side of 192 px, 8 images a batch, read in the main process: for a CPU."""

_base_ = 'polyps.py'

_resize = dict(type='Resize', scale=(192, 192), keep_ratio=True)

train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), _resize,
    dict(type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), _resize, dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]

train_dataloader = dict(batch_size=8, num_workers=0, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=8, num_workers=0, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
