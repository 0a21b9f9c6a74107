"""resnet18 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/resnet18_tiny_imagenet.py
"""

_base_ = [
    '../_base_/models/resnet18_tiny_imagenet.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']
