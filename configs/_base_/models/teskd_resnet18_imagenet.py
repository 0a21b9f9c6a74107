"""TESKD on ResNet-18 for ImageNet, three students; Kaiming for the backbone only, as the paper's code on ImageNet."""

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        zero_init_residual=False),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(64, 128, 256, 512)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=1000, in_channels=512, topk=(1, 5), cal_acc=True))
