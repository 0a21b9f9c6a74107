"""COCO with KD++'s schedule: 180 000 steps of 8 images (1 on each of 8 GPUs), rate 0.01, short side 640 to 800.

The warm-up (1000 steps from a thousandth) is Detectron2's, on which the released code is built.
"""

_base_ = ['mmdet::_base_/datasets/coco_detection.py', '../default_runtime_det.py']

train_dataloader = dict(
    batch_size=1,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True),
        dict(type='RandomChoiceResize', scales=[(1333, side) for side in range(640, 801, 32)], keep_ratio=True),
        dict(type='RandomFlip', prob=0.5), dict(type='PackDetInputs')]))
val_dataloader = dict(persistent_workers=False)
test_dataloader = dict(persistent_workers=False)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[120_000, 160_000], gamma=0.1)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=180_000, val_interval=20_000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10_000))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=8)
