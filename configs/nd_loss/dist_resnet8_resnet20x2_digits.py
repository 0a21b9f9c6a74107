"""DIST on digits. How to run it: kd_resnet8_resnet20x2_digits.py."""

_base_ = 'kd_resnet8_resnet20x2_digits.py'

model = dict(losses=dict(kd=dict(_delete_=True, type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=2.0)))
