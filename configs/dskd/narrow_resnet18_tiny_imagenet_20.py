"""A narrow ResNet-18 alone on 20 classes of TinyImageNet: what the distilled ones are compared with, in minutes on a CPU.

python tools/train.py configs/dskd/narrow_resnet18_tiny_imagenet_20.py
"""

_base_ = [
    '../_base_/models/narrow_resnet18_tiny_imagenet_20.py',
    '../_base_/datasets/tiny_imagenet_20.py', '../_base_/schedules/tiny_imagenet_20_10e.py',
    '../_base_/default_runtime.py']
