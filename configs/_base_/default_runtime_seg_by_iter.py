"""What every segmentation config shares, for runs that count steps instead of epochs: that of classification, in mmseg's scope."""

_base_ = 'default_runtime.py'

default_hooks = dict(
    visualization=dict(_delete_=True, type='SegVisualizationHook'),
    checkpoint=dict(by_epoch=False, interval=4000, save_best='mIoU'))
default_scope = 'mmseg'
visualizer = dict(
    _delete_=True, type='SegLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
log_processor = dict(by_epoch=False)
