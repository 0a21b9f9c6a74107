"""The distillation term grows over 10 epochs, ND is whole from the first; its class means are made before."""

custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=10), dict(type='mmkd_ext.ClassMeansHook')]
