"""DSKD on TinyImageNet: resnet34 teaches mobilenetv2 and its 3 shallow stages. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
python tools/train.py configs/dskd/dskd_mobilenetv2_resnet34_tiny_imagenet.py
"""

_base_ = 'kd_mobilenetv2_resnet34_tiny_imagenet.py'

model = dict(
    student=dict(backbone=dict(out_indices=(1, 2, 3, 5))),
    losses=dict(dskd=dict(type='mmkd_ext.DSKDHead', tau=4.0, alpha=1.0, beta=1.0)))
