"""The student of the blood cells alone: the narrow Faster R-CNN of the digit scenes, from scratch.

MMKD_BCCD=FOLDER python tools/train.py configs/nd_loss_det/faster_rcnn_narrow_r18_bccd.py

16 epochs, so that teacher and both students take three quarters of an hour on one CPU thread: more would score higher.
"""

_base_ = [
    '../_base_/models/faster_rcnn_narrow_r18.py', '../_base_/datasets/bccd.py', '../_base_/schedules/bccd_16e.py',
    '../_base_/default_runtime_det.py']

# three kinds of cells, up to a hundred in an image
model = dict(roi_head=dict(bbox_head=dict(num_classes=3)), test_cfg=dict(rcnn=dict(max_per_img=100)))
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1))
