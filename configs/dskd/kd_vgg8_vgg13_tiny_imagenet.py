"""KD on TinyImageNet: vgg13 teaches vgg8. DSKD without what it adds. Not run here.

python tools/train.py configs/dskd/teacher_vgg13_tiny_imagenet.py
python tools/train.py configs/dskd/kd_vgg8_vgg13_tiny_imagenet.py
"""

_base_ = [
    '../_base_/distillers/vgg8_vgg13_tiny_imagenet.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']

model = dict(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0)))
