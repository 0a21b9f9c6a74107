"""The features of DINOv2's small transformer become those of ResNet-18, on ImageNet's images without their labels. Not run here.

    tools/dist_train.sh configs/features/features_resnet18_dinov2_small_imagenet.py 8

The exported backbone fits every ResNet-18 of mmpretrain and mmdet: init_cfg=dict(type='Pretrained', checkpoint=FILE, prefix='backbone.').
"""

_base_ = [
    '../_base_/distillers/features_dinov2_small.py', '../_base_/datasets/imagenet_unlabelled.py',
    '../_base_/schedules/imagenet_100e.py', '../_base_/default_runtime.py']

model = dict(student=dict(type='mmpretrain.ResNet', depth=18))
