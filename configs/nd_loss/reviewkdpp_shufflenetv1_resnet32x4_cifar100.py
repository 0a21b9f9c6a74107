"""ReviewKD++ on CIFAR-100: resnet32x4 teaches shufflenetv1. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet32x4_cifar100.py
python tools/train.py configs/nd_loss/reviewkdpp_shufflenetv1_resnet32x4_cifar100.py
"""

_base_ = 'reviewkd_shufflenetv1_resnet32x4_cifar100.py'

model = dict(losses=dict(kd=dict(loss_weight=7.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=20), dict(type='mmkd_ext.ClassMeansHook')]
