"""The smallest network of the KD field's CIFAR family, on sixteen pixels and ten classes: 78 thousand parameters."""

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64))
