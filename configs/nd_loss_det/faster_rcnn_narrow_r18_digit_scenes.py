"""The student of the digit scenes alone: what the distilled ones are to be compared with.

python tools/train.py configs/nd_loss_det/faster_rcnn_narrow_r18_digit_scenes.py
"""

_base_ = [
    '../_base_/faster_rcnn_narrow_r18_digit_scenes.py', '../_base_/digit_scenes.py',
    '../_base_/schedule_digit_scenes.py', '../_base_/default_runtime_det.py']

custom_imports = dict(
    imports=['mmkd_ext.checkpoints', 'mmkd_ext.datasets', 'mmkd_ext.datasets.digit_scenes', 'mmkd_ext.hooks', 'mmkd_ext.metrics',
             'mmkd_ext.models', 'mmkd_ext.optim'],
    allow_failed_imports=False)  # fmt: skip
# The student sees a quarter of the teacher's scenes: they are its first hundred in COCO's order.
train_dataloader = dict(dataset=dict(indices=100))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=True, milestones=[64, 84], gamma=0.1)]
train_cfg = dict(max_epochs=96, val_interval=32)
default_hooks = dict(checkpoint=dict(interval=32, max_keep_ckpts=1))
