"""The teacher of the polyps of 192 px: all of EfficientNet-Lite0, a wider FPN and box head, twice as many epochs.

MMKD_POLYPS=FOLDER python tools/train.py configs/nd_loss_det/teacher_lite0_polyps_192.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_lite0.py', '../_base_/datasets/polyps_192.py', '../_base_/schedules/polyps_2e.py',
    '../_base_/default_runtime_det.py']

param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True, T_max=4)]
train_cfg = dict(max_epochs=4, val_interval=4)
default_hooks = dict(checkpoint=dict(interval=4, max_keep_ckpts=1))
