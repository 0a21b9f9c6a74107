"""The teacher of the blood cells: the student twice as wide.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/teacher_r18_bccd.py
"""

_base_ = 'faster_rcnn_narrow_r18_bccd.py'

model = dict(
    backbone=dict(base_channels=32, stem_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256]),
    roi_head=dict(bbox_head=dict(fc_out_channels=256)))
