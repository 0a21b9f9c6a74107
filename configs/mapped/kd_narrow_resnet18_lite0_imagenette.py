"""KD from EfficientNet-Lite0, which knows ImageNet's 1,000 classes, to a narrow ResNet-18 of ten of them. Not run here as it is.

python tools/train.py configs/mapped/kd_narrow_resnet18_lite0_imagenette.py

study_imagenette.py beside it ran it with 8 epochs.
"""

_base_ = [
    '../_base_/distillers/narrow_resnet18_lite0_imagenette.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']

model = dict(
    losses=dict(
        kd=dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=1.0)))
