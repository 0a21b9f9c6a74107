"""resnet8 alone on CIFAR-100: the student of the short studies, small enough for a CPU. Not run here.

python tools/train.py configs/nd_loss/resnet8_cifar100.py
"""

_base_ = [
    '../_base_/models/resnet8_cifar100.py', '../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py',
    '../_base_/default_runtime.py']
