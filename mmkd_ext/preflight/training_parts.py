"""Checks of loop lengths, optimizer, schedulers and loss weights, which mmengine itself does late or never."""

import math
from collections.abc import Mapping
from typing import Any

from mmengine.registry import OPTIMIZERS
from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmkd_ext.explain.sentences import check_known

_NUMBERS = (
    'gamma', 'factor', 'start_factor', 'end_factor', 'eta_min', 'eta_min_ratio', 'eta_max', 'begin', 'end', 'power', 'step_size', 'T_max',
    'total_steps', 'pct_start', 'div_factor', 'final_div_factor')
_KNOWN = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmkd_ext')


def check_length(loop: Any) -> None:
    """Whether a training has an epoch or an iteration, and validates at an interval.

    Args:
        loop: Of the training, built.

    Raises:
        ValueError: `max_epochs`, `max_iters` or `val_interval` is no number of 1 or more.
    """
    for key in ('max_iters' if isinstance(loop, IterBasedTrainLoop) else 'max_epochs', 'val_interval'):
        value = getattr(loop, key, None)
        if value is not None and (not isinstance(value, int | float) or not value >= 1):
            raise ValueError(f'A training needs {key} of 1 or more, got {value!r}. Look at train_cfg.{key}.')


def check_optimizer(cfg: Mapping[str, Any]) -> None:
    """Whether the optimizer is a dict of a known type, and the numbers of the schedulers are numbers.

    Args:
        cfg: Of the run.

    Raises:
        ValueError: They are not.
        KeyError: A type that no registry knows, as mmengine raises it.
    """
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    if isinstance(optimizer, str | int | float | list | tuple):
        raise ValueError(
            f"A dict such as dict(type='SGD', lr=0.1) is needed as optimizer, got {optimizer!r}. Look at optim_wrapper.optimizer.")
    if isinstance(optimizer, Mapping):
        check_known(OPTIMIZERS, optimizer.get('type'))
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list | tuple) else [schedulers]:
        if not isinstance(scheduler, Mapping):
            continue
        milestones = scheduler.get('milestones')
        wrong = {key: scheduler[key] for key in _NUMBERS if scheduler.get(key) is not None and not _number(scheduler[key])}
        if isinstance(milestones, list | tuple) and not all(map(_number, milestones)):
            wrong['milestones'] = milestones
        for key, value in wrong.items():
            raise ValueError(f'A scheduler needs numbers as {key}, got {value!r} of {scheduler.get("type")}. Look at param_scheduler.')


def check_losses(model: nn.Module) -> None:
    """Whether the losses of a distiller have finite weights.

    Args:
        model: Out of its wrapper; one without `distill` is passed over.

    Raises:
        ValueError: They have not.
    """
    for name, loss in getattr(model, 'distill', nn.ModuleDict()).items():
        weight = loss.loss_weight
        if isinstance(weight, str) or (isinstance(weight, int | float) and not math.isfinite(weight)):
            raise ValueError(
                f'A finite number is needed as weight of a loss, got {weight!r}. Look at loss_weight of {name} in model.losses.')


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
