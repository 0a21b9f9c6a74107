"""TESKD, CIFAR ResNet-18 on CIFAR-100 (arXiv:2110.00329; the paper's 79.15 against 74.41 alone). Not run here.

    python tools/train.py configs/teskd/r18_cifar100.py
    tools/dist_train.sh configs/teskd/r18_cifar100.py 4 --auto-scale-lr

One forward and backward of batch 128 costs about four times the plain network's; the students (25.8 M parameters) are thrown away.
Change first: model.head.kl_weight, model.neck.channels (cost), model.head.detach_teacher.
"""

_base_ = [
    '../_base_/models/teskd_resnet18_cifar100.py', '../_base_/datasets/cifar100_teskd.py',
    '../_base_/schedules/cifar100_200e.py', '../_base_/default_runtime.py']
