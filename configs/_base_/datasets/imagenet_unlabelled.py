"""ImageNet-1k at 224 px in batches of 128; training labels are not read, and features are judged on the validation images.

A folder of your own images instead: train_dataloader.dataset=dict(type='mmkd_ext.UnlabelledFolder', data_root='FOLDER', pipeline=...).
"""

_base_ = 'mmpretrain::_base_/datasets/imagenet_bs32.py'

train_dataloader = dict(batch_size=128, persistent_workers=False)
val_dataloader = dict(batch_size=128, persistent_workers=False)
test_dataloader = dict(batch_size=128, persistent_workers=False)
val_evaluator = [dict(type='mmkd_ext.KNNAccuracy'), dict(type='mmkd_ext.ProbeAccuracy')]
test_evaluator = val_evaluator
