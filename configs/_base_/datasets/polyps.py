"""Polyps in colonoscopy images with boxes made of their masks, one class, in COCO's format; bring the images yourself.

Kvasir-SEG (1000 images) or CVC-ClinicDB (612): python tools/dataset_converters/polyps.py SOURCE data/polyps
`MMKD_POLYPS=FOLDER` names another folder (default: data/polyps), with train.json, val.json and images/ in it. Images have many sizes:
their longer side becomes 512 px.
"""

import os

_root = os.environ.get('MMKD_POLYPS', 'data/polyps')
_classes = dict(classes=('polyp',), palette=[(220, 20, 60)])
_resize = dict(type='Resize', scale=(512, 512), keep_ratio=True)

# A camera in the bowel has no up.
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), _resize,
    dict(type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), _resize, dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]

# Workers that end with the epoch: persistent ones carry random state that no checkpoint holds.
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='CocoDataset', data_root=_root, ann_file='train.json', data_prefix=dict(img='images/'), metainfo=_classes,
        filter_cfg=dict(filter_empty_gt=False),  # an image without a polyp teaches what is none
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset', data_root=_root, ann_file='val.json', data_prefix=dict(img='images/'), metainfo=_classes,
        test_mode=True, pipeline=test_pipeline))
val_evaluator = dict(type='CocoMetric', ann_file=f'{_root}/val.json', metric='bbox')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
