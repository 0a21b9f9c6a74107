"""CIFAR-100 whose training labels are not read; features are judged on the test images, which have some.

A folder of your own images instead: train_dataloader.dataset=dict(type='mmkd_ext.UnlabelledFolder', data_root='FOLDER', pipeline=...).
"""

_base_ = 'cifar100.py'

val_evaluator = [dict(type='mmkd_ext.KNNAccuracy'), dict(type='mmkd_ext.ProbeAccuracy')]
test_evaluator = val_evaluator
