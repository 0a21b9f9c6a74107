"""The distillation term and ND grow over 5 epochs together, as in DKD++ on ImageNet; class means are made before."""

custom_hooks = [
    dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=5),
    dict(type='mmkd_ext.LossWarmupHook', loss='nd', epochs=5),
    dict(type='mmkd_ext.ClassMeansHook'),
]
