"""DSKD on 300 images of Fashion-MNIST: a ResNet-18 teaches one of half its width and its three shallow stages, 600 steps.

python tools/train.py configs/dskd/teacher_r18_fashion_mnist.py
python tools/train.py configs/dskd/dskd_r18_r18x2_fashion_mnist.py
"""

_base_ = ['../_base_/datasets/fashion_mnist.py', '../_base_/schedules/digits.py', '../_base_/default_runtime.py']

model = dict(
    type='mmkd_ext.OfflineDistiller',
    student=dict(
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR', depth=18, stem_channels=8, base_channels=8, in_channels=1, out_indices=(0, 1, 2, 3)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=64)),
    teacher=dict(
        model='{{ fileDirname }}/teacher_r18_fashion_mnist.py',
        checkpoint='work_dirs/teacher_r18_fashion_mnist/epoch_16.pth'),
    input_size=28,
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
train_dataloader = dict(batch_size=25, dataset=dict(indices=300))
param_scheduler = dict(milestones=[25, 38])
train_cfg = dict(max_epochs=50, val_interval=25)
default_hooks = dict(checkpoint=dict(interval=50, max_keep_ckpts=1))
