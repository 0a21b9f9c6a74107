"""TESKD, ResNet-50 on ImageNet. Not run here.

The students are 512 wide: at the last stage's 2048 they have 411 M parameters beside a backbone of 23.5 M.

tools/dist_train.sh configs/teskd/r50_imagenet.py 8 --auto-scale-lr
"""

_base_ = [
    '../_base_/models/teskd_resnet18_imagenet.py', '../_base_/datasets/imagenet.py',
    '../_base_/schedules/imagenet_100e.py', '../_base_/default_runtime.py']

model = dict(
    backbone=dict(depth=50),
    neck=dict(in_channels=(256, 512, 1024, 2048), channels=512),
    head=dict(in_channels=2048))
