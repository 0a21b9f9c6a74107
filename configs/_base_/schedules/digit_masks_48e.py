"""The digit scenes' 600 steps for a quarter of the scenes: four times the epochs."""

_base_ = 'digit_masks.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', eta_min=1e-5, power=0.9, by_epoch=True, begin=0, end=48)]
train_cfg = dict(max_epochs=48, val_interval=48)
