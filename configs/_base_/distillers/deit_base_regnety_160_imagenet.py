"""A distiller around DeiT-B with a distillation token on ImageNet, taught by RegNetY-16GF; everything but the losses.

Data, augmentation, mixup and schedule are the zoo's for DeiT. From the paper's public script: 300 epochs, batch 2048 (256
on each of 8 GPUs), learning rate 8e-4, betas 0.9 and 0.95, a drop-path rate of 0.1. Weight decay and the 20 epochs of
learning-rate warm-up are the zoo's.
"""

_base_ = [
    'mmpretrain::_base_/datasets/imagenet_bs64_swin_224.py', 'mmpretrain::_base_/schedules/imagenet_bs1024_adamw_swin.py',
    '../default_runtime.py'
]

model = dict(
    type='mmkd_ext.OfflineDistiller',
    student=dict(
        type='ImageClassifier',
        backbone=dict(
            type='DistilledVisionTransformer', arch='deit-base', img_size=224, patch_size=16, drop_path_rate=0.1),
        head=dict(
            type='mmkd_ext.DeiTHead',
            num_classes=1000,
            in_channels=768,
            loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
        init_cfg=[
            dict(type='TruncNormal', layer='Linear', std=.02),
            dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
        ],
        train_cfg=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)])),
    teacher=dict(model='timm/regnety_160'))

train_dataloader = dict(batch_size=256, persistent_workers=False)
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)

optim_wrapper = dict(
    optimizer=dict(lr=8e-4, betas=(0.9, 0.95)),
    paramwise_cfg=dict(bias_decay_mult=0.0, custom_keys={
        '.cls_token': dict(decay_mult=0.0), '.dist_token': dict(decay_mult=0.0), '.pos_embed': dict(decay_mult=0.0)}),
    clip_grad=dict(max_norm=5.0))
auto_scale_lr = dict(base_batch_size=2048)
