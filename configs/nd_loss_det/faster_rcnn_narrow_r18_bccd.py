"""The student of the blood cells alone: the narrow Faster R-CNN of the digit scenes, from scratch.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/faster_rcnn_narrow_r18_bccd.py

16 epochs, so that teacher and both students take three quarters of an hour on one CPU thread: more would score higher.
"""

_base_ = [
    '../_base_/faster_rcnn_narrow_r18_digit_scenes.py', '../_base_/bccd.py', '../_base_/schedule_digit_scenes.py',
    '../_base_/default_runtime_det.py']

model = dict(roi_head=dict(bbox_head=dict(num_classes=3)), test_cfg=dict(rcnn=dict(max_per_img=100)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=True, milestones=[11, 14], gamma=0.1)]
train_cfg = dict(max_epochs=16)
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1))
