"""Imagenette, ten classes of ImageNet, as squares of 144 px: crop of 128, flip; the middle of 128 for validation.

From the published folders (train/ and val/):
    python tools/dataset_converters/small_squares.py imagenette2 data/imagenette_144 --per-class 200
`MMKD_IMAGENETTE=FOLDER` names another folder. Mean and deviation are ImageNet's.
"""

import os

_root = os.environ.get('MMKD_IMAGENETTE', 'data/imagenette_144')

data_preprocessor = dict(num_classes=10, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomCrop', crop_size=128),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='CenterCrop', crop_size=128), dict(type='PackInputs')]

# Workers that end with the epoch: persistent ones carry random state that no checkpoint holds.
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=False,
    dataset=dict(type='CustomDataset', data_root=_root, data_prefix='train', pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    persistent_workers=False,
    dataset=dict(type='CustomDataset', data_root=_root, data_prefix='val', pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='Accuracy', topk=(1, ))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
