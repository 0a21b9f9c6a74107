"""TESKD on a ResNet-18 of a quarter of its width (0.70 M parameters) on 2,000 images of ten ImageNet classes. Not run here as it is.

    python tools/train.py configs/teskd/narrow_r18_imagenette.py

Images of 128 px behind ImageNet's stem; the students are 32 wide.

study_imagenette.py beside it ran it with 30 epochs.
"""

_base_ = [
    '../_base_/models/teskd_narrow_r18.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']

model = dict(backbone=dict(type='ResNet'), neck=dict(channels=32))
