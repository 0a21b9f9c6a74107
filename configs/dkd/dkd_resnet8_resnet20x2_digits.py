"""DKD on digits; ResNet-20x2 teaches ResNet-8. Train the teacher first; each takes about a minute on a CPU.

python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
python tools/train.py configs/dkd/dkd_resnet8_resnet20x2_digits.py
"""

_base_ = [
    '../_base_/distillers/resnet8_resnet20x2_digits.py', '../_base_/datasets/digits_100.py',
    '../_base_/schedules/digits.py', '../_base_/hooks/ramp_10.py', '../_base_/default_runtime_digits.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.DKDLoss', tau=4.0, alpha=2.5, beta=4.0)))
