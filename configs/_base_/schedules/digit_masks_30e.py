"""390 steps for a quarter of the digit scenes: 30 epochs, about a minute on a CPU."""

_base_ = 'digit_masks.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', eta_min=1e-5, power=0.9, by_epoch=True, begin=0, end=30)]
train_cfg = dict(max_epochs=30, val_interval=30)
