"""KD++'s schedule on COCO: 180 000 steps of 8 images, rate 0.01.

The warm-up (1000 steps from a thousandth) is Detectron2's, on which the released code is built.
"""

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[120_000, 160_000], gamma=0.1)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=180_000, val_interval=20_000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=8)
