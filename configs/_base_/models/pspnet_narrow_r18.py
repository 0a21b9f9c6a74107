"""PSPNet for the digit scenes: a ResNet-18 of a quarter of its width at stride 8, from scratch."""

_base_ = 'mmseg::_base_/models/pspnet_r50-d8.py'

_norm = dict(type='BN', requires_grad=True)
_digits = dict(num_classes=11, norm_cfg=_norm, loss_decode=dict(class_weight=[0.1, *10 * [1.0]]))  # the ground is most of an image

model = dict(
    data_preprocessor=dict(size=(96, 96)),  # of the crops
    pretrained=None,
    backbone=dict(depth=18, base_channels=16, stem_channels=16, norm_cfg=_norm),
    decode_head=dict(in_channels=128, in_index=3, channels=32, **_digits),
    auxiliary_head=dict(in_channels=64, channels=16, **_digits))
