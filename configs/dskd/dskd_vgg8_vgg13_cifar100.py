"""DSKD on CIFAR-100: vgg13 teaches vgg8 and its 3 shallow stages. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_cifar100.py
python tools/train.py configs/dskd/dskd_vgg8_vgg13_cifar100.py
"""

_base_ = [
    '../_base_/distillers/vgg8_vgg13_cifar100.py', '../_base_/datasets/cifar100_b64.py',
    '../_base_/schedules/cifar100_240e_b64.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 5))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
