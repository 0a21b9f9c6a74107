"""A narrow ResNet-18 alone on 2,000 images of Imagenette's ten classes. Not run here as it is.

python tools/train.py configs/mapped/narrow_resnet18_imagenette.py

study_imagenette.py beside it ran it with 8 epochs.
"""

_base_ = [
    '../_base_/models/narrow_resnet18_imagenette.py', '../_base_/datasets/imagenette.py', '../_base_/schedules/imagenette_12e.py',
    '../_base_/default_runtime.py']
