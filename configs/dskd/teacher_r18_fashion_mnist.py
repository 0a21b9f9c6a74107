"""The teacher of the Fashion-MNIST twin: a ResNet-18 of a quarter of its width (0.70 M parameters) on 5000 images.

python tools/train.py configs/dskd/teacher_r18_fashion_mnist.py

1264 steps of 64 images; its students see 300.
"""

_base_ = ['../_base_/datasets/fashion_mnist.py', '../_base_/schedules/digits.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=16, base_channels=16, in_channels=1),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=128))
train_dataloader = dict(batch_size=64, dataset=dict(indices=5000))
param_scheduler = dict(milestones=[8, 13])
train_cfg = dict(max_epochs=16, val_interval=4)
default_hooks = dict(checkpoint=dict(interval=16, max_keep_ckpts=1))
