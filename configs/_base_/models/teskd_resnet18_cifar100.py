"""TESKD on a CIFAR ResNet-18 for CIFAR-100, three students; PyTorch's own initialisation everywhere, as the paper's code on CIFAR."""

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        zero_init_residual=False,
        init_cfg=[]),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(64, 128, 256, 512)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=100, in_channels=512, topk=(1, 5), cal_acc=True))
