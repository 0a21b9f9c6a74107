"""What each method adds to a detector's own losses: the losses of a distiller and their hooks."""

import copy
from typing import Any

_PLAIN: dict[str, dict[str, Any]] = {
    'kd': {'type': 'mmkd_ext.KDLoss', 'tau': 1.0, 'loss_weight': 1.0},
    'dkd': {'type': 'mmkd_ext.DKDLoss', 'tau': 1.0, 'alpha': 1.0, 'beta': 0.25},
    'dist': {'type': 'mmkd_ext.DISTLoss', 'tau': 1.0, 'loss_weight': 1.0},
    'reviewkd': {'type': 'mmkd_ext.ReviewKDLoss', 'with_embedding': False, 'loss_weight': 1.2},
    'pkd': {'type': 'mmkd_ext.PKDLoss'},
    'cwd': {'type': 'mmkd_ext.CWDLoss'},
    'mgd': {'type': 'mmkd_ext.MGDLoss'},
    'crosskd': {'type': 'mmkd_ext.CrossKDLoss'},
    'ld': {'type': 'mmkd_ext.LDLoss'},
}
_ND: dict[str, Any] = {'type': 'mmkd_ext.NDLoss', 'loss_weight': 1.5}
_WITH_ND = ('kd', 'dkd', 'dist', 'reviewkd')
DETECTOR_METHODS = (*_PLAIN, *(f'{name}++' for name in _WITH_ND), 'nd')


def detector_losses(method: str) -> dict[str, dict[str, Any]]:
    """The distiller's `losses`, each under the method's name; a name with ++ has the ND loss beside the plain one, 'nd' has it alone.

    Which of them compares detectors of a kind, configs/README.md says; building the distiller refuses the others.

    Args:
        method: One of `DETECTOR_METHODS`.

    Example:
        >>> list(detector_losses('reviewkd++'))
        ['reviewkd', 'nd']
    """
    plain = method.removesuffix('++')
    losses = {plain: _PLAIN[plain]} if plain in _PLAIN else {}
    if plain == 'nd' or plain != method:
        losses['nd'] = _ND
    return copy.deepcopy(losses)


def detector_hooks(method: str) -> list[dict[str, Any]]:
    """The config's `custom_hooks`: the ND loss needs class means."""
    return [{'type': 'mmkd_ext.ClassMeansHook'}] if 'nd' in detector_losses(method) else []
