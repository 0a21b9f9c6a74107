"""TinyImageNet: 200 classes, 64 px, 500 training and 50 validation images each; crop of 64 after padding 8, flip.

From the published archive: python tools/dataset_converters/tiny_imagenet.py tiny-imagenet-200.zip data/tiny_imagenet
`MMKD_TINY_IMAGENET=FOLDER` names another folder. Mean and deviation are ImageNet's.

The images lie in memory (1.2 GB) and are augmented by batch; image by image, in four worker processes:
    --cfg-options train_dataloader.dataset.by_batch=False train_dataloader.num_workers=4
"""

import os

_root = os.environ.get('MMKD_TINY_IMAGENET', 'data/tiny_imagenet')

data_preprocessor = dict(num_classes=200, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomCrop', crop_size=64, padding=8),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]

_in_memory = dict(by_batch=True, channels_last=True)

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,  # on a GPU the images are there already
    collate_fn=dict(type='mmkd_ext.whole_batches'),
    dataset=dict(type='mmkd_ext.CustomDataset', data_root=_root, data_prefix='train', pipeline=train_pipeline, **_in_memory),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,  # on a GPU the images are there already
    collate_fn=dict(type='mmkd_ext.whole_batches'),
    dataset=dict(type='mmkd_ext.CustomDataset', data_root=_root, data_prefix='val', pipeline=test_pipeline, **_in_memory),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
