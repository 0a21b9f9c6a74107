"""What every detection config shares, for the digit scenes: their dataset is imported, one checkpoint is kept, every 32 epochs.

It differs from default_runtime.py and not from default_runtime_det.py, so that no config is more than three files deep.
"""

_base_ = 'default_runtime.py'

custom_imports = dict(
    imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.datasets.digit_scenes', 'mmkd_ext.evaluation',
             'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.optim'],
    allow_failed_imports=False)  # fmt: skip
default_hooks = dict(
    visualization=dict(_delete_=True, type='DetVisualizationHook'),
    checkpoint=dict(interval=32, max_keep_ckpts=1))
default_scope = 'mmdet'
visualizer = dict(
    _delete_=True, type='DetLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
