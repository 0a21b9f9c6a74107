"""KD and mutual learning on digits: a ResNet-20 and two ResNet-8 train together, from nothing, on the same 100 images.

    python tools/train.py configs/mutual/kdml_two_resnet8_resnet20_digits.py

KD only: --cfg-options model.losses.ml.loss_weight=0; mutual learning only: model.losses.kd.loss_weight=0.
"""

_base_ = '../nd_loss/resnet8_digits.py'

model = dict(
    _delete_=True, type='mmkd_ext.MutualLearningDistiller',
    students=dict(first=_base_.model, second=_base_.model),
    teacher=dict(model=_base_.model, options=dict(backbone=dict(depth=20))),
    input_size=16,
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        ml=dict(type='mmkd_ext.MutualLearningLoss', tau=1.0, loss_weight=1.0)))
train_cfg = dict(val_interval=25)
