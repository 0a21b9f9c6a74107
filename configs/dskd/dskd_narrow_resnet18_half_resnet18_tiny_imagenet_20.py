"""DSKD on 20 classes of TinyImageNet: a ResNet-18 of half its width teaches one of a quarter, and its 3 shallow stages.

python tools/train.py configs/dskd/teacher_half_resnet18_tiny_imagenet_20.py
python tools/train.py configs/dskd/dskd_narrow_resnet18_half_resnet18_tiny_imagenet_20.py
"""

_base_ = [
    '../_base_/distillers/narrow_resnet18_half_resnet18_tiny_imagenet_20.py',
    '../_base_/datasets/tiny_imagenet_20.py', '../_base_/schedules/tiny_imagenet_20_10e.py',
    '../_base_/default_runtime.py']

model = dict(
    student=dict(backbone=dict(out_indices=(0, 1, 2, 3))),
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0),
        dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
