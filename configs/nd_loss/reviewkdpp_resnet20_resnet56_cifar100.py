"""ReviewKD++ on CIFAR-100: resnet56 teaches resnet20. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet56_cifar100.py
python tools/train.py configs/nd_loss/reviewkdpp_resnet20_resnet56_cifar100.py
"""

_base_ = 'reviewkd_resnet20_resnet56_cifar100.py'

model = dict(losses=dict(kd=dict(loss_weight=1.2), nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=20), dict(type='mmkd_ext.ClassMeansHook')]
