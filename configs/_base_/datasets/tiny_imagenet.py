"""TinyImageNet: 200 classes, 64 px, 500 training and 50 validation images each; crop of 64 after padding 8, flip.

From the published archive: python tools/dataset_converters/tiny_imagenet.py tiny-imagenet-200.zip data/tiny_imagenet
Mean and deviation are ImageNet's.
"""

data_preprocessor = dict(num_classes=200, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomCrop', crop_size=64, padding=8),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]

# Workers that end with the epoch: persistent ones carry random state that no checkpoint holds.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    dataset=dict(type='CustomDataset', data_root='data/tiny_imagenet/train', pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=4,
    persistent_workers=False,
    dataset=dict(type='CustomDataset', data_root='data/tiny_imagenet/val', pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
