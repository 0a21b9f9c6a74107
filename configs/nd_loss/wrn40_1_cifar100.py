"""wrn40_1 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/nd_loss/wrn40_1_cifar100.py
"""

_base_ = [
    '../_base_/models/wrn40_1_cifar100.py', '../_base_/datasets/cifar100.py', '../_base_/schedules/cifar100_240e.py',
    '../_base_/default_runtime.py']
