"""COCO with mmdet's 1x schedule: 12 epochs, batch 16 (2 on each of 8 GPUs), rate 0.02."""

_base_ = ['mmdet::_base_/datasets/coco_detection.py', 'mmdet::_base_/schedules/schedule_1x.py', '../default_runtime_det.py']

# workers that end with the epoch: a run that is resumed draws the same augmentations
train_dataloader = dict(persistent_workers=False)
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
