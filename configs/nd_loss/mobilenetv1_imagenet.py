"""MobileNetV1 alone on ImageNet: what the distilled ones are to be compared with. Not run here.

timm's, since mmpretrain has none: 4.2 M parameters and an embedding of 1024, as the paper's; its ReLU stops at 6.

tools/dist_train.sh configs/nd_loss/mobilenetv1_imagenet.py 8
"""

_base_ = '../_base_/nd_loss/imagenet.py'

model = dict(
    type='TimmClassifier',
    model_name='mobilenetv1_100',
    num_classes=1000,
    loss=dict(type='CrossEntropyLoss', loss_weight=1.0))
