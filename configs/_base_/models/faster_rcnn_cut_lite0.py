"""Faster R-CNN of one class with an FPN of 48 channels on ImageNet's EfficientNet-Lite0, cut behind its last block of stride 16.

The backbone's file is made by tools/model_converters/efficientnet_lite.py; `MMKD_WEIGHTS=FOLDER` names another folder than data/weights.
"""

import os

_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'

_file = os.path.join(os.environ.get('MMKD_WEIGHTS', 'data/weights'), 'tf_efficientnet_lite0.pth')

model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        _delete_=True, type='mmkd_ext.TimmBackbone', model_name='tf_efficientnet_lite0', features_only=True, feature_cls='getter',
        out_indices=(2, 3), pretrained=True, pretrained_cfg_overlay=dict(file=_file),
        frozen=('conv_stem', 'bn1', 'blocks.0', 'blocks.1', 'blocks.2')),
    neck=dict(in_channels=[40, 112], out_channels=48, num_outs=4, norm_cfg=dict(type='BN')),
    rpn_head=dict(in_channels=48, feat_channels=48, anchor_generator=dict(scales=[4], strides=[8, 16, 32, 64])),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=48, featmap_strides=[8, 16], finest_scale=56, roi_layer=dict(sampling_ratio=1)),
        bbox_head=dict(in_channels=48, fc_out_channels=128, num_classes=1)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)), rpn_proposal=dict(nms_pre=300, max_per_img=100), rcnn=dict(sampler=dict(num=32))),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=50), rcnn=dict(max_per_img=10)))
