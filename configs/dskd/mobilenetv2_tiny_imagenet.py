"""mobilenetv2 alone on TinyImageNet: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/mobilenetv2_tiny_imagenet.py
"""

_base_ = [
    '../_base_/models/mobilenetv2_cifar100.py', '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/tiny_imagenet_240e_lr001.py', '../_base_/default_runtime.py']

model = dict(head=dict(num_classes=200))
