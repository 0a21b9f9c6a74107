"""A teacher that knows Imagenette's ten classes alone: a ResNet-18 of three quarters of its width, all 9,469 training images, 6 epochs.

python tools/dataset_converters/small_squares.py imagenette2 data/imagenette_144_all
python tools/train.py configs/mapped/teacher_resnet18_imagenette.py

`MMKD_IMAGENETTE_ALL=FOLDER` names another folder.
"""

import os

_base_ = [
    '../_base_/models/narrow_resnet18_imagenette.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']

model = dict(backbone=dict(stem_channels=48, base_channels=48), head=dict(in_channels=384))
train_dataloader = dict(dataset=dict(data_root=os.environ.get('MMKD_IMAGENETTE_ALL', 'data/imagenette_144_all')))
train_cfg = dict(max_epochs=6, val_interval=6)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=5, begin=1, convert_to_iter_based=True)]
