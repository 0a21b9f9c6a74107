"""What every segmentation config shares, for the digit scenes: their dataset is imported, one checkpoint is kept.

It differs from default_runtime.py and not from another runtime, so that no config is more than three files deep.
"""

_base_ = 'default_runtime.py'

custom_imports = dict(
    imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.datasets.digit_masks', 'mmkd_ext.evaluation',
             'mmkd_ext.hooks', 'mmkd_ext.models', 'mmkd_ext.optim'],
    allow_failed_imports=False)  # fmt: skip
default_hooks = dict(
    visualization=dict(_delete_=True, type='SegVisualizationHook'), checkpoint=dict(interval=12, max_keep_ckpts=1, save_best='mIoU'))
default_scope = 'mmseg'
visualizer = dict(
    _delete_=True, type='SegLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
