"""The digit scenes' 1200 steps for a quarter of the scenes: four times the epochs."""

_base_ = 'digit_scenes.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=True, milestones=[64, 84], gamma=0.1)]
train_cfg = dict(max_epochs=96, val_interval=32)
