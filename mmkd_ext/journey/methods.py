"""What each method adds to a student's own loss: the losses of a distiller and their hooks."""

from typing import Any

_PLAIN: dict[str, dict[str, Any]] = {
    'kd': {'type': 'mmkd_ext.KDLoss', 'tau': 4.0, 'loss_weight': 1.0},
    'dkd': {'type': 'mmkd_ext.DKDLoss', 'tau': 4.0, 'alpha': 1.0, 'beta': 4.0},
    'dist': {'type': 'mmkd_ext.DISTLoss', 'tau': 4.0, 'loss_weight': 2.0},
    'reviewkd': {'type': 'mmkd_ext.ReviewKDLoss', 'loss_weight': 1.0},
}
METHODS = ('kd', 'kd++', 'dkd', 'dkd++', 'dist', 'dist++', 'reviewkd')


def losses_of(method: str, stages: tuple[int, int] | None = None) -> dict[str, dict[str, Any]]:
    """The distiller's `losses`; a name with ++ has the ND loss beside the plain one.

    Args:
        method: One of `METHODS`.
        stages: How many the student and the teacher have, for a loss that compares maps: the deepest ones are paired.
    """
    losses = {'kd': dict(_PLAIN[method.removesuffix('++')])}
    if stages is not None and stages[0] != stages[1]:
        for role, count in zip(('student_stages', 'teacher_stages'), stages, strict=True):
            losses['kd'][role] = tuple(range(count - min(stages), count))
    if method.endswith('++'):
        losses['nd'] = {'type': 'mmkd_ext.NDLoss', 'loss_weight': 1.0}
    return losses


def hooks_of(method: str, epochs: int) -> list[dict[str, Any]]:
    """The config's `custom_hooks`: the distillation term grows over the first epochs; the ND loss needs class means."""
    hooks: list[dict[str, Any]] = []
    if epochs > 3:
        hooks.append({'type': 'mmkd_ext.LossWarmupHook', 'loss': 'kd', 'epochs': min(10, epochs // 4)})
    if method.endswith('++'):
        hooks.append({'type': 'mmkd_ext.ClassMeansHook'})
    return hooks
