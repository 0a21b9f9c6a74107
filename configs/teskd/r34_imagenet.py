"""TESKD, ResNet-34 on ImageNet. Differs from r18_imagenet.py in depth only. Not run here.

tools/dist_train.sh configs/teskd/r34_imagenet.py 8 --auto-scale-lr
"""

_base_ = [
    '../_base_/models/teskd_resnet18_imagenet.py', '../_base_/datasets/imagenet.py',
    '../_base_/schedules/imagenet_100e.py', '../_base_/default_runtime.py']

model = dict(backbone=dict(depth=34))
