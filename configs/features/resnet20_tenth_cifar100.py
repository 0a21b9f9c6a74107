"""resnet20 on a tenth of CIFAR-100's labels, from scratch: what the fine-tuned one is to be compared with. Not run here.

python tools/train.py configs/features/resnet20_tenth_cifar100.py
"""

_base_ = [
    '../_base_/models/resnet20_cifar100.py', '../_base_/datasets/cifar100_tenth.py', '../_base_/schedules/cifar100_240e.py',
    '../_base_/default_runtime.py']
