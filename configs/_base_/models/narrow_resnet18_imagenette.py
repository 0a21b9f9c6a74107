"""A ResNet-18 of three eighths of its width (1.6 M parameters), for CPUs; ten classes."""

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, stem_channels=24, base_channels=24, num_stages=4, out_indices=(3, ), style='pytorch'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=192, loss=dict(type='CrossEntropyLoss'), topk=(1, )))
