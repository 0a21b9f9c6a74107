"""TESKD's small twin: a narrow CIFAR ResNet-18 on few handwritten digits, under a minute on two cores.

    python tools/train.py configs/teskd/r18_digits.py

100 training images (10 a class), so that the plain network does not saturate; 797 test images.
"""

_base_ = ['../_base_/digits.py', '../_base_/schedule_digits.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=16,
        base_channels=16,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        zero_init_residual=False,
        init_cfg=[]),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32, 64, 128)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=10, in_channels=128, cal_acc=True))

train_dataloader = dict(batch_size=32, dataset=dict(samples_per_class=10))
