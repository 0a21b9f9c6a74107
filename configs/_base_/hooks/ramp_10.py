"""The distillation term grows over 10 epochs, from zero in the first."""

custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=10)]
