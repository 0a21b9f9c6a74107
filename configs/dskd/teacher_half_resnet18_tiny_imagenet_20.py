"""The teacher, a ResNet-18 of half its width with ImageNet's stem on 20 classes of TinyImageNet, 15 epochs.

python tools/train.py configs/dskd/teacher_half_resnet18_tiny_imagenet_20.py
"""

_base_ = [
    '../_base_/datasets/tiny_imagenet_20.py', '../_base_/schedules/tiny_imagenet_20_10e.py',
    '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, stem_channels=32, base_channels=32, num_stages=4, out_indices=(3, ), style='pytorch'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=20, in_channels=256))
train_cfg = dict(max_epochs=15)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=14, begin=1, convert_to_iter_based=True)]
