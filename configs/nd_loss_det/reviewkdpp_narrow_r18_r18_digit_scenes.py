"""ReviewKD++ on the digit scenes: maps and the ND loss. How to run it: kd_narrow_r18_r18_digit_scenes.py."""

_base_ = 'kd_narrow_r18_r18_digit_scenes.py'

model = dict(
    losses=dict(
        kd=dict(_delete_=True, type='mmkd_ext.ReviewKDLoss', with_embedding=False, loss_weight=1.2),
        nd=dict(type='mmkd_ext.NDLoss', loss_weight=1.5)))
custom_hooks = [dict(type='mmkd_ext.ClassMeansHook')]
