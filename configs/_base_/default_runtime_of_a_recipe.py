"""What a recipe that is mmdet's as a whole (network, data, schedule, runtime) gets of `default_runtime.py`; it takes it key by key."""

ours = dict(
    custom_imports=dict(
        imports=[
            'mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.evaluation', 'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.optim'],
        allow_failed_imports=False),
    default_hooks=dict(
        checkpoint=dict(
            max_keep_ckpts=3, save_last=True, save_best='auto', rule='greater', backend_args=dict(backend='mmkd_ext.atomic')),
        plain_checkpoint=dict(type='mmkd_ext.PlainCheckpointHook'),
        summed_terms=dict(type='mmkd_ext.SummedTermsHook'),
        compiled_step=dict(type='mmkd_ext.CompiledStepHook'),
        epoch_seed=dict(type='mmkd_ext.EpochSeedHook'),
        invalid_loss=dict(type='mmkd_ext.InvalidLossHook', interval=50),
        distillation_report=dict(type='mmkd_ext.DistillationReportHook')),
    # workers that end with the epoch: a run that is resumed draws the same augmentations
    dataloader=dict(persistent_workers=False))
