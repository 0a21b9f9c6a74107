"""DIST++ on digits: DIST and the ND loss; ResNet-20x2 teaches ResNet-8. Train the teacher first; each takes a minute on a CPU.

python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
python tools/train.py configs/nd_loss/distpp_resnet8_resnet20x2_digits.py
"""

_base_ = [
    '../_base_/distillers/resnet8_resnet20x2_digits.py', '../_base_/datasets/digits_100.py',
    '../_base_/schedules/digits.py', '../_base_/hooks/ramp_10_class_means.py', '../_base_/default_runtime_digits.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.DISTLoss', tau=4.0, loss_weight=2.0),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.0)))
