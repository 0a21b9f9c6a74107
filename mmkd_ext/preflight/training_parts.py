"""Checks of loop lengths, optimizer, schedulers and loss weights, which mmengine itself does late or never."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import HistoryBuffer
from mmengine.registry import OPTIMIZERS
from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmkd_ext.explain.sentences import check_known, one_line

_NUMBERS = (
    'gamma', 'factor', 'start_factor', 'end_factor', 'eta_min', 'eta_min_ratio', 'eta_max', 'begin', 'end', 'power', 'step_size', 'T_max',
    'total_steps', 'pct_start', 'div_factor', 'final_div_factor')
_INTERVALS = ('interval', '_interval', 'frame_interval', 'interval_exp_name')  # as hooks keep them
_KNOWN = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmkd_ext')


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
        if isinstance(value, float) and value % 1 and math.isfinite(value):
            raise ValueError(f'A training needs {key} to be a whole number, got {value!r}. Look at train_cfg.{key}.')
    begin = getattr(loop, 'val_begin', 0)
    if not isinstance(begin, int) or begin < 0:
        raise ValueError(f'A training needs val_begin of 0 or more, got {begin!r}. Look at train_cfg.val_begin.')


def check_intervals(hooks: Sequence[Hook], log_processor: Any) -> None:
    """Whether what happens every n epochs or iterations ever happens, and the log's means are of something.

    Args:
        hooks: Of the run.
        log_processor: Likewise.

    Raises:
        ValueError: An interval, a window or a number of kept checkpoints that is no whole number of 1 or more; -1 means 'never' to the
            CheckpointHook's interval and 'all' to its max_keep_ckpts. Statistics of the log that cannot be computed.
    """
    for hook in hooks:
        kept = isinstance(hook, CheckpointHook)
        for key in (*_INTERVALS, *(['max_keep_ckpts'] if kept else [])):
            value = vars(hook).get(key)
            if value is not None and not _counts(value) and not (kept and value == -1):
                more = ' or -1' if kept else ''
                raise ValueError(
                    f'{type(hook).__name__} needs {key.lstrip("_")} to be a whole number of 1 or more{more}, got {value!r}. '
                    f'Look at {key.lstrip("_")} in default_hooks and custom_hooks.')
    window = getattr(log_processor, 'window_size', 1)
    if not _counts(window):
        raise ValueError(
            f'The log needs means over a whole number of iterations, 1 or more, got window_size={window!r}. '
            'Look at log_processor.window_size.')
    for each in getattr(log_processor, 'custom_cfg', ()):
        _try_statistic(each)


def _try_statistic(cfg: Mapping[str, Any]) -> None:
    """Ask for an additional number of the log, of a single value."""
    options = {key: value for key, value in cfg.items() if key not in ('data_src', 'log_name')}
    window = options.get('window_size')
    if window in ('epoch', 'global'):
        options['window_size'] = 1
    try:
        if isinstance(window, str) and options['window_size'] != 1:
            raise TypeError(f'window_size={window!r} is neither a number nor epoch or global')
        HistoryBuffer([1.0], [1]).statistics(**options)
    except Exception as error:
        known = ', '.join(HistoryBuffer._statistics_methods)
        raise ValueError(
            f'The log needs statistics that can be computed, by method_name one of {known} and its arguments, got {dict(cfg)}: '
            f'{one_line(error)}. Look at log_processor.custom_cfg.') from error


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_optimizer(cfg: Mapping[str, Any]) -> None:
    """Whether the optimizer is a dict of a known type with numbers to step by, and the numbers of the schedulers are numbers.

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
        for key in ('lr', 'momentum', 'weight_decay'):
            value = optimizer.get(key)
            if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
                raise ValueError(f'An optimizer needs {key} of 0 or more, got {value!r}. Look at optim_wrapper.optimizer.{key}.')
    counts = (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    if isinstance(counts, int | float) and not _counts(counts):
        raise ValueError(
            f'An OptimWrapper steps after a whole number of batches, 1 or more, got accumulative_counts={counts!r}. Look at optim_wrapper.')
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list | tuple) else [schedulers]:
        if not isinstance(scheduler, Mapping):
            continue
        milestones = scheduler.get('milestones')
        wrong = {key: scheduler[key] for key in _NUMBERS if scheduler.get(key) is not None and not _number(scheduler[key])}
        if isinstance(milestones, list | tuple) and not all(_number(each) and each >= 0 for each in milestones):
            wrong['milestones'] = milestones
        if 'begin' not in wrong and scheduler.get('begin', 0) < 0:
            wrong['begin'] = scheduler['begin']
        for key, value in wrong.items():
            needed = 'numbers of 0 or more' if key in ('milestones', 'begin') else 'numbers'
            raise ValueError(f'A scheduler needs {needed} as {key}, got {value!r} of {scheduler.get("type")}. Look at param_scheduler.')


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
