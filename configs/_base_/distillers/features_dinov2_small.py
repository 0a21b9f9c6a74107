"""DINOv2's small transformer teaches a backbone its features: everything but the student.

At 224 pixels its patches make a map of 16 x 16; without `input_size` it looks at its own 518. Without a network name its file:
--cfg-options model.teacher.checkpoint=FILE.safetensors
"""

model = dict(
    type='mmkd_ext.FeatureDistiller',
    teacher=dict(
        model='timm/vit_small_patch14_dinov2.lvd142m', options=dict(dynamic_img_size=True), input_size=224, precision='bf16'),
    losses=dict(
        token=dict(type='mmkd_ext.EmbeddingLoss', by='cosine'),
        patches=dict(type='mmkd_ext.MapLoss', by='cosine')))
