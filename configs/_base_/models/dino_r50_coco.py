"""DINO of 4 scales on an ImageNet ResNet-50: mmdet's network, data and schedule in one file, as mmdet has them, with our hooks."""

_base_ = 'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'

custom_imports = dict(
    imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.evaluation', 'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.optim'],
    allow_failed_imports=False)
default_hooks = dict(
    checkpoint=dict(
        max_keep_ckpts=3, save_last=True, save_best='auto', rule='greater', backend_args=dict(backend='mmkd_ext.atomic')),
    plain_checkpoint=dict(type='mmkd_ext.PlainCheckpointHook'),
    summed_terms=dict(type='mmkd_ext.SummedTermsHook'),
    compiled_step=dict(type='mmkd_ext.CompiledStepHook'),
    epoch_seed=dict(type='mmkd_ext.EpochSeedHook'),
    invalid_loss=dict(type='mmkd_ext.InvalidLossHook', interval=50),
    distillation_report=dict(type='mmkd_ext.DistillationReportHook'))
# workers that end with the epoch: a run that is resumed draws the same augmentations
train_dataloader = dict(persistent_workers=False)
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
