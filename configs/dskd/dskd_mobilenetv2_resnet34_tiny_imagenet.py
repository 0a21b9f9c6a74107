"""DSKD on TinyImageNet: resnet34 teaches mobilenetv2 and its 3 shallow stages. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
python tools/train.py configs/dskd/dskd_mobilenetv2_resnet34_tiny_imagenet.py
"""

_base_ = [
    '../_base_/distillers/mobilenetv2_resnet34_tiny_imagenet.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e_lr001.py', '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 5))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
