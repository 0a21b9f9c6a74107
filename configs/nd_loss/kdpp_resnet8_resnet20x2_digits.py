"""KD++ on digits: KD and the ND loss. How to run it: kd_resnet8_resnet20x2_digits.py."""

_base_ = 'kd_resnet8_resnet20x2_digits.py'

model = dict(losses=dict(nd=dict(type='mmkd_ext.NDLoss', loss_weight=2.0)))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=10), dict(type='mmkd_ext.ClassMeansHook')]
