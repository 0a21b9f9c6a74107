"""DSKD on digits: ResNet-20x2 teaches ResNet-8 and its two shallow stages. Train the teacher first.

    python tools/train.py configs/nd_loss/teacher_resnet20x2_digits.py
    python tools/train.py configs/dskd/dskd_resnet8_resnet20x2_digits.py

The pair, the 100 training images and the 600 steps are those of the base, whose ramp of KD is ND's and is left out here.
"""

_base_ = '../nd_loss/kd_resnet8_resnet20x2_digits.py'

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 4))),
    teacher=dict(model='{{ fileDirname }}/../nd_loss/teacher_resnet20x2_digits.py'),
    losses=dict(dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
custom_hooks = []
