"""TESKD, ResNet-18 on ImageNet (the paper's 71.14 against 69.71 alone). Not run here.

    tools/dist_train.sh configs/teskd/r18_imagenet.py 8 --auto-scale-lr

The schedule is the standard one, not the paper's, which is not published: see configs/_base_/imagenet.py.
"""

_base_ = '../_base_/imagenet.py'

model = dict(
    type='ImageClassifier',
    # Kaiming for the backbone only, as the paper's code on ImageNet.
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        zero_init_residual=False),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(64, 128, 256, 512)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=1000, in_channels=512, topk=(1, 5), cal_acc=True))
