"""TESKD, CIFAR ResNet-18 on CIFAR-100 (arXiv:2110.00329; the paper's 79.15 against 74.41 alone). Not run here.

    python tools/train.py configs/teskd/r18_cifar100.py
    tools/dist_train.sh configs/teskd/r18_cifar100.py 4 --auto-scale-lr

One forward and backward of batch 128 costs about four times the plain network's; the students (25.8 M parameters) are thrown away.
Change first: model.head.kl_weight, model.neck.channels (cost), model.head.detach_teacher.
"""

_base_ = ['../_base_/cifar100.py', '../_base_/schedule_cifar100_200e.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    # PyTorch's own initialisation everywhere, as the paper's code on CIFAR.
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        zero_init_residual=False,
        init_cfg=[]),
    neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(64, 128, 256, 512)),
    head=dict(type='mmkd_ext.TESKDHead', num_classes=100, in_channels=512, topk=(1, 5), cal_acc=True))
