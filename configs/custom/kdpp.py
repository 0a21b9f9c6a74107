"""KD++ on your images: the fine-tuned ResNet-50 teaches MobileNetV2, KD and the ND loss. Not run here.

python tools/train.py configs/custom/teacher_finetune.py
python tools/train.py configs/custom/kdpp.py

Data and number of classes: configs/custom/_base_/images.py. Change first: model.losses.kd.loss_weight, model.losses.kd.tau.
"""

_base_ = ['_base_/mobilenetv2_resnet50.py', '_base_/schedule.py', '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=5), dict(type='mmkd_ext.ClassMeansHook')]
