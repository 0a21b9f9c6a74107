"""Polyps of 192 px: the student alone, a small Faster R-CNN on the first four stages of ImageNet's EfficientNet-Lite0.

MMKD_POLYPS=FOLDER python tools/train.py configs/nd_loss_det/faster_rcnn_cut_lite0_polyps_192.py
"""

_base_ = [
    '../_base_/models/faster_rcnn_cut_lite0.py', '../_base_/datasets/polyps_192.py', '../_base_/schedules/polyps_2e.py',
    '../_base_/default_runtime_det.py']
