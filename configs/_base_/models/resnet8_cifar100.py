"""resnet8 of the KD field, for images of 32 px and 100 classes."""

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmkd_ext.CIFARResNet', depth=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=100, in_channels=64))
