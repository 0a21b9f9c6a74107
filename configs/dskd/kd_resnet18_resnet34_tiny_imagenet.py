"""KD on TinyImageNet: resnet34 teaches resnet18. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_resnet34_tiny_imagenet.py
python tools/train.py configs/dskd/kd_resnet18_resnet34_tiny_imagenet.py
"""

_base_ = [
    '../_base_/distillers/resnet18_resnet34_tiny_imagenet.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
