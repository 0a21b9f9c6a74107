"""TESKD on a timm backbone, RegNetY-400MF on ImageNet. Not run here; not in the paper.

For another timm model: its name, and in_channels from
`timm.create_model(name, features_only=True).feature_info.channels()`. out_indices counts timm's levels, of which the first is the stem.

tools/dist_train.sh configs/teskd/timm_regnety_004_imagenet.py 8 --auto-scale-lr
"""

_base_ = [
    '../_base_/models/teskd_resnet18_imagenet.py', '../_base_/datasets/imagenet.py',
    '../_base_/schedules/imagenet_100e.py', '../_base_/default_runtime.py']

model = dict(
    backbone=dict(
        _delete_=True, type='TIMMBackbone', model_name='regnety_004', features_only=True, out_indices=(1, 2, 3, 4)),
    neck=dict(in_channels=(48, 104, 208, 440)),
    head=dict(in_channels=440))
