"""The student of the blood cells alone: the narrow Faster R-CNN of the digit scenes, from scratch. Not run here.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/faster_rcnn_narrow_r18_bccd.py
"""

_base_ = [
    '../_base_/faster_rcnn_narrow_r18_digit_scenes.py', '../_base_/bccd.py', '../_base_/schedule_digit_scenes.py',
    '../_base_/default_runtime_det.py']

model = dict(roi_head=dict(bbox_head=dict(num_classes=3)), test_cfg=dict(rcnn=dict(max_per_img=100)))
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1))
