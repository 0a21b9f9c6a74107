"""The teacher of the blood cells: the student twice as wide.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/teacher_r18_bccd.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/bccd.py', '../_base_/schedules/bccd_16e.py',
    '../_base_/default_runtime_det.py']

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256]),
    roi_head=dict(bbox_head=dict(fc_out_channels=256, num_classes=3)),
    test_cfg=dict(rcnn=dict(max_per_img=100)))
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1))
