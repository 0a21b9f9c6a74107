"""CIFAR-100 as the KD field trains on it: batches of 128, crop of 32 after padding 4, flip, its mean and deviation.

mmpretrain's dataset class downloads it into data/cifar100. Without a network put cifar-100-python.tar.gz there, or the images as
train/<class>/*.png and test/<class>/*.png. `MMKD_CIFAR100=FOLDER` names another folder.

The images lie in memory and are augmented by batch; image by image, in two worker processes:
    --cfg-options train_dataloader.dataset.by_batch=False train_dataloader.num_workers=2
"""

import os

_root = os.environ.get('MMKD_CIFAR100', 'data/cifar100')

data_preprocessor = dict(
    num_classes=100,
    mean=[129.3105, 124.1085, 112.4040],  # 255 * (0.5071, 0.4867, 0.4408)
    std=[68.2125, 65.4075, 70.4055],  # 255 * (0.2675, 0.2565, 0.2761)
    to_rgb=False,
)  # the images come as RGB

train_pipeline = [
    dict(type='RandomCrop', crop_size=32, padding=4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='PackInputs')]

_in_memory = dict(by_batch=True, channels_last=True)

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,  # on a GPU the images are there already
    collate_fn=dict(type='mmkd_ext.whole_batches'),
    dataset=dict(type='mmkd_ext.CIFAR100', data_root=_root, split='train', pipeline=train_pipeline, **_in_memory),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,  # on a GPU the images are there already
    collate_fn=dict(type='mmkd_ext.whole_batches'),
    dataset=dict(type='mmkd_ext.CIFAR100', data_root=_root, split='test', pipeline=test_pipeline, **_in_memory),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
