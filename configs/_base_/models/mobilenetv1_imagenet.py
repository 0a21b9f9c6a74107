"""MobileNetV1 of timm, since mmpretrain has none: 4.2 M parameters and an embedding of 1024, as the paper's; its ReLU stops at 6."""

model = dict(
    type='TimmClassifier',
    model_name='mobilenetv1_100',
    num_classes=1000,
    loss=dict(type='CrossEntropyLoss', loss_weight=1.0))
