"""A small DeiT with this package's head."""

ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16)
DEIT = dict(
    type='ImageClassifier',
    backbone=dict(type='DistilledVisionTransformer', arch=ARCH, img_size=16, patch_size=8),
    head=dict(type='mmkd_ext.DeiTHead', num_classes=5, in_channels=16, init_cfg=None))
