"""TESKD on a CIFAR ResNet-18 of a quarter of its width (0.70 M parameters), for CPUs; ten classes."""

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
