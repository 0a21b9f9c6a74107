"""Deformable DETR on an ImageNet ResNet-50: mmdet's network, data and schedule in one file, as mmdet has them, with our hooks."""

_base_ = ['mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py', '../default_runtime_of_a_recipe.py']

custom_imports = _base_.ours.custom_imports
default_hooks = _base_.ours.default_hooks
train_dataloader = _base_.ours.dataloader
val_dataloader = _base_.ours.dataloader
test_dataloader = _base_.ours.dataloader
