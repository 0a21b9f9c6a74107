"""Every tenth class of TinyImageNet: 20 classes, 10,000 training and 1,000 validation images.

From the published archive: python tools/dataset_converters/tiny_imagenet.py tiny-imagenet-200.zip data/tiny_imagenet_20 --classes 20
`MMKD_TINY_IMAGENET_20=FOLDER` names another folder.
"""

import os

_base_ = './tiny_imagenet.py'

_root = os.environ.get('MMKD_TINY_IMAGENET_20', 'data/tiny_imagenet_20')

data_preprocessor = dict(num_classes=20)
train_dataloader = dict(dataset=dict(data_root=_root))
val_dataloader = dict(dataset=dict(data_root=_root))
test_dataloader = dict(dataset=dict(data_root=_root))
