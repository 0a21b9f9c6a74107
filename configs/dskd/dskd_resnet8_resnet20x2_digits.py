"""DSKD on digits: ResNet-20x2 teaches ResNet-8 and its two shallow stages. Train the teacher first.

    python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
    python tools/train.py configs/dskd/dskd_resnet8_resnet20x2_digits.py

The pair, the 100 training images and the 600 steps are those of KD's and ND's twins, without their ramp.
"""

_base_ = [
    '../_base_/distillers/resnet8_resnet20x2_digits.py', '../_base_/datasets/digits_100.py',
    '../_base_/schedules/digits.py', '../_base_/default_runtime_digits.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 4))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
custom_hooks = []
