"""The distillation term grows over 5 epochs, ND is whole from the first; its class means are made before."""

custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=5), dict(type='mmkd_ext.ClassMeansHook')]
