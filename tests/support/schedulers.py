"""Arguments of every kind of scheduler that mmengine and mmpretrain register, by the beginning of its name."""

ARGUMENTS = {
    'Constant': dict(factor=0.5), 'CosineAnnealing': dict(T_max=4),
    'CosineRestart': dict(periods=[2, 4], restart_weights=[1, 0.5], eta_min=0),
    'Exponential': dict(gamma=0.9),
    'Linear': dict(start_factor=0.5), 'MultiStep': dict(milestones=[1, 3]), 'OneCycle': dict(eta_max=0.2, total_steps=4),
    'Poly': dict(power=2), 'ReduceOnPlateau': dict(monitor='loss'), 'Step': dict(step_size=1), 'QuadraticWarmup': dict(end=4),
}  # fmt: skip
