"""Microsatellite instability (MSIMUT) or stability (MSS) in histology of colorectal cancer: tiles of 224 px; bring them yourself.

CRC_DX_{TRAIN,TEST}_{MSIMUT,MSS}.zip of https://zenodo.org/records/2530835 each unpack to a folder of their class:
unzip CRC_DX_TRAIN_MSIMUT.zip -d data/msi_mss/train, the same for MSS, and those of TEST into data/msi_mss/test.
`MMKD_MSI_MSS=FOLDER` names another folder (default: data/msi_mss). Mean and deviation are ImageNet's, accuracy is counted by tiles and
not by patients, and validation is on the test tiles: report the last epoch, not the best.
"""

import os

_root = os.environ.get('MMKD_MSI_MSS', 'data/msi_mss')
_classes = dict(classes=('MSIMUT', 'MSS'))  # in the order of the folders' names

data_preprocessor = dict(num_classes=2, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

# A tile of tissue has no up, and laboratories stain differently.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(224, 224)),
    dict(type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    # Pillow's backend warns in every worker.
    dict(type='ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05, backend='cv2'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(224, 224)), dict(type='PackInputs')]

# Workers that end with the epoch: persistent ones carry random state that no checkpoint holds.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    dataset=dict(
        type='CustomDataset', data_root=_root, data_prefix='train', metainfo=_classes, pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    dataset=dict(type='CustomDataset', data_root=_root, data_prefix='test', metainfo=_classes, pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# There are fewer tiles of MSIMUT than of MSS: the means over classes say what accuracy hides.
val_evaluator = [
    dict(type='Accuracy', topk=(1,)),
    dict(type='SingleLabelMetric', items=('precision', 'recall', 'f1-score'), num_classes=2),
    dict(type='AveragePrecision'),
]
test_dataloader = val_dataloader
test_evaluator = val_evaluator
