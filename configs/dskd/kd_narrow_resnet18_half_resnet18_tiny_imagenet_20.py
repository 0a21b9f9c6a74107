"""KD on 20 classes of TinyImageNet: a ResNet-18 of half its width teaches one of a quarter. DSKD without what it adds.

python tools/train.py configs/dskd/teacher_half_resnet18_tiny_imagenet_20.py
python tools/train.py configs/dskd/kd_narrow_resnet18_half_resnet18_tiny_imagenet_20.py
"""

_base_ = [
    '../_base_/distillers/narrow_resnet18_half_resnet18_tiny_imagenet_20.py',
    '../_base_/datasets/tiny_imagenet_20.py', '../_base_/schedules/tiny_imagenet_20_10e.py',
    '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
