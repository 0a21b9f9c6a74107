"""What every config shares: hooks, logging, environment.

Ours stand in `default_hooks`, a dict, so that a config's own `custom_hooks = [...]` (a list, which replaces) cannot
drop them.
"""

default_scope = 'mmpretrain'
custom_imports = dict(
    imports=[
        'mmkd_ext.checkpoints',
        'mmkd_ext.datasets',
        'mmkd_ext.evaluation',
        'mmkd_ext.hooks',
        'mmkd_ext.models',
        'mmkd_ext.optim',
    ],
    allow_failed_imports=False,
)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Two kept files are the least that survives one being unreadable; the third is for a look back.
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        save_last=True,
        save_best='auto',  # the evaluator's first number: the deployed network's top-1
        rule='greater',
        backend_args=dict(backend='mmkd_ext.atomic'),
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='VisualizationHook', enable=False),
    plain_checkpoint=dict(type='mmkd_ext.PlainCheckpointHook'),
    summed_terms=dict(type='mmkd_ext.SummedTermsHook'),
    compiled_step=dict(type='mmkd_ext.CompiledStepHook'),
    epoch_seed=dict(type='mmkd_ext.EpochSeedHook'),
    invalid_loss=dict(type='mmkd_ext.InvalidLossHook', interval=50),
    distillation_report=dict(type='mmkd_ext.DistillationReportHook'),
)

env_cfg = dict(
    cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0), dist_cfg=dict(backend='nccl')
)

visualizer = dict(type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
log_processor = dict(window_size=10)
log_level = 'INFO'
load_from = None
resume = False
# None: the runner draws a seed and writes it into the checkpoints, from which a resumed run takes it.
randomness = dict(seed=None, deterministic=False)
