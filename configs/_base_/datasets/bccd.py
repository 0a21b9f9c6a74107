"""Blood cells (BCCD): 292 + 72 microscope images of 640 x 480 with boxes of three kinds, in COCO's format; bring the folder yourself.

`MMKD_BCCD=FOLDER` names it (default: data/bccd), with train.json, test.json and images/ in it.
"""

import os

_root = os.environ.get('MMKD_BCCD', 'data/bccd')
_classes = dict(classes=('RBC', 'WBC', 'Platelets'), palette=[(220, 20, 60), (60, 20, 220), (20, 180, 60)])
_resize = dict(type='Resize', scale=(320, 240), keep_ratio=True)

train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True), _resize,
    dict(type='RandomFlip', prob=[0.3, 0.3], direction=['horizontal', 'vertical']), dict(type='PackDetInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), _resize, dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='CocoDataset', data_root=_root, ann_file='train.json', data_prefix=dict(img='images/'), metainfo=_classes,
        filter_cfg=dict(filter_empty_gt=True), pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset', data_root=_root, ann_file='test.json', data_prefix=dict(img='images/'), metainfo=_classes,
        test_mode=True, pipeline=test_pipeline))
val_evaluator = dict(type='CocoMetric', ann_file=f'{_root}/test.json', metric='bbox')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
