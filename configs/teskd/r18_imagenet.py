"""TESKD, ResNet-18 on ImageNet (the paper's 71.14 against 69.71 alone). Not run here.

    tools/dist_train.sh configs/teskd/r18_imagenet.py 8 --auto-scale-lr

The schedule is the standard one, not the paper's, which is not published: see configs/_base_/schedules/imagenet_100e.py.
"""

_base_ = [
    '../_base_/models/teskd_resnet18_imagenet.py', '../_base_/datasets/imagenet.py',
    '../_base_/schedules/imagenet_100e.py', '../_base_/default_runtime.py']
