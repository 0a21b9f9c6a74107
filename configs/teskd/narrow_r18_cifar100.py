"""TESKD on a CIFAR ResNet-18 of a quarter of its width (0.70 M parameters) on CIFAR-100: small enough for a CPU. Not run here as it is.

    python tools/train.py configs/teskd/narrow_r18_cifar100.py

The students are 32 wide, a quarter of what the paper's rule, the last stage's width, gives: a step costs 2.6 times the plain network's.

study_cifar100_short.py beside it ran it with few images, 30 epochs.
"""

_base_ = [
    '../_base_/models/teskd_narrow_r18.py', '../_base_/datasets/cifar100_teskd.py', '../_base_/schedules/cifar100_200e.py',
    '../_base_/default_runtime.py']

model = dict(neck=dict(channels=32), head=dict(num_classes=100, topk=(1, 5)))
