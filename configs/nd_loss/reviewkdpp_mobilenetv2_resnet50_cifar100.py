"""ReviewKD++ on CIFAR-100: resnet50 teaches mobilenetv2. Not run here.

python tools/train.py configs/nd_loss/teacher_resnet50_cifar100.py
python tools/train.py configs/nd_loss/reviewkdpp_mobilenetv2_resnet50_cifar100.py
"""

_base_ = 'reviewkd_mobilenetv2_resnet50_cifar100.py'

model = dict(losses=dict(kd=dict(loss_weight=6.0), nd=dict(type='mmkd_ext.NDLoss', loss_weight=2.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=20), dict(type='mmkd_ext.ClassMeansHook')]
