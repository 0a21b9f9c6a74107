"""A small schedule for the blood cells: 16 epochs, three quarters of an hour on one CPU thread for teacher and two students.

More epochs would score higher.
"""

_base_ = 'digit_scenes.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=True, milestones=[11, 14], gamma=0.1)]
train_cfg = dict(max_epochs=16)
