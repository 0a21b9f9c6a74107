"""What every detection config shares, for runs that count steps instead of epochs.

It differs from default_runtime.py and not from default_runtime_det.py, so that no config is more than three files deep.
"""

_base_ = 'default_runtime.py'

default_hooks = dict(
    visualization=dict(_delete_=True, type='DetVisualizationHook'),
    checkpoint=dict(by_epoch=False, interval=10_000))
default_scope = 'mmdet'
visualizer = dict(
    _delete_=True, type='DetLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
log_processor = dict(by_epoch=False)
