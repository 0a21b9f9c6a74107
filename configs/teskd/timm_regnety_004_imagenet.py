"""TESKD on a timm backbone, RegNetY-400MF on ImageNet. Not run here; not in the paper.

For another timm model: its name, and in_channels from
`timm.create_model(name, features_only=True).feature_info.channels()`. out_indices counts timm's levels, of which the first is the stem.
"""

_base_ = './r18_imagenet.py'

model = dict(
    backbone=dict(
        _delete_=True, type='TIMMBackbone', model_name='regnety_004', features_only=True, out_indices=(1, 2, 3, 4)),
    neck=dict(in_channels=(48, 104, 208, 440)),
    head=dict(in_channels=440))
