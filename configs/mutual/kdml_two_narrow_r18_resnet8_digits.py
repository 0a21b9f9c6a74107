"""KD and mutual learning on digits: a ResNet-8 and two narrow ResNet-18 train together, from nothing, on the same 100 images.

    python tools/train.py configs/mutual/kdml_two_narrow_r18_resnet8_digits.py

KD only: --cfg-options model.losses.ml.loss_weight=0; mutual learning only: model.losses.kd.loss_weight=0. 600 steps of 32 images. Both
terms grow over the first half of them, since a teacher that trains along has nothing to teach at first.
"""

_base_ = [
    '../_base_/models/resnet8_digits.py', '../_base_/datasets/digits_100.py', '../_base_/schedules/digits.py',
    '../_base_/default_runtime_digits.py']

student = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4, num_stages=4, out_indices=(3, ), style='pytorch'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=32))
model = dict(
    _delete_=True, type='mmkd_ext.MutualLearningDistiller',
    students=dict(first=student, second=student),
    teacher=_base_.model,
    input_size=16,
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=2.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
train_cfg = dict(val_interval=50)
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss=loss, epochs=75) for loss in ('kd', 'ml')]
