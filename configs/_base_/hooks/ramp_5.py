"""The distillation term grows over 5 epochs, from zero in the first."""

custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='kd', epochs=5)]
