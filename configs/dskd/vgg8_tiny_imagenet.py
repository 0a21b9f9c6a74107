"""vgg8 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/vgg8_tiny_imagenet.py
"""

_base_ = [
    '../_base_/models/vgg8_cifar100.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e.py', '../_base_/default_runtime.py']

model = dict(head=dict(num_classes=200))
