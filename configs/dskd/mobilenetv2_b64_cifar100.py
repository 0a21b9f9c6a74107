"""mobilenetv2 alone on CIFAR-100: what the distilled ones are to be compared with. Not run here.

python tools/train.py configs/dskd/mobilenetv2_b64_cifar100.py
"""

_base_ = [
    '../_base_/models/mobilenetv2_cifar100.py', '../_base_/datasets/cifar100_b64.py',
    '../_base_/schedules/cifar100_240e_b64_lr001.py', '../_base_/default_runtime.py']
