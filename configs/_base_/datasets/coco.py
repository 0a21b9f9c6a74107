"""COCO as mmdet has it: 2 images on each of 8 GPUs, 1333 x 800."""

_base_ = 'mmdet::_base_/datasets/coco_detection.py'

# workers that end with the epoch: a run that is resumed draws the same augmentations
train_dataloader = dict(persistent_workers=False)
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
