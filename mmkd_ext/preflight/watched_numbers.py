"""Checks that the evaluators give the metrics that checkpoint hooks, early stopping and schedulers watch."""

import copy
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook

_COCO = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')  # of boxes and masks, where none are asked for by metric_items


def check_watched(hooks: Sequence[Hook], schedulers: Any, names: Sequence[str] | None) -> None:
    """Compare what is waited for with what the evaluators give.

    Args:
        hooks: Of the run.
        schedulers: `param_scheduler` of its config.
        names: Of the student's numbers, in the order of the evaluators; None where they cannot be known.

    Raises:
        ValueError: A number that no evaluator gives, or one of which nobody can tell whether more or less of it is better.
    """
    if names is None:
        return
    for hook in hooks if not names else ():
        if isinstance(hook, CheckpointHook) and hook.save_best:
            raise ValueError(
                'An evaluator that gives a number is needed to choose the best checkpoint, got none. Look at val_evaluator, or set '
                'save_best of the CheckpointHook to None.')
    for name, place in _watched(hooks, schedulers):
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
            hint = f' Did you mean {close[0]}?' if close else ''
            raise ValueError(
                f'A number of the validation is needed, one of {", ".join(names) or "none"}, got {name!r}.{hint} Look at {place}.')
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best and 'auto' in hook.key_indicators and names:
            tried = copy.copy(hook)
            tried.is_better_than = {}
            try:
                tried._init_rule(list(hook.rules), [names[0]])
            except ValueError as error:
                raise ValueError(
                    f"rule='greater' or rule='less' is needed to choose a checkpoint by {names[0]}, got {hook.rules[0]}. Look at rule of "
                    'the CheckpointHook.') from error


def coco_names(metric: Any) -> list[str] | None:
    """The numbers of mmdet's CocoMetric by its settings, or None where they follow from the data or for other metrics."""
    if type(metric).__name__ != 'CocoMetric' or metric.format_only or metric.classwise or set(metric.metrics) - {'bbox', 'segm'}:
        return None
    return [f'{metric.prefix}/{kind}_{item}' for kind in metric.metrics for item in metric.metric_items or _COCO]


def _watched(hooks: Sequence[Hook], schedulers: Any) -> Iterator[tuple[str, str]]:
    """Name of a number, and where it is asked for."""
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best:
            for name in hook.key_indicators:
                if name != 'auto':
                    yield name, 'save_best of the CheckpointHook'
        if isinstance(hook, EarlyStoppingHook):
            yield hook.monitor, 'monitor of the EarlyStoppingHook'
    for each in schedulers if isinstance(schedulers, list | tuple) else [schedulers]:
        if isinstance(each, Mapping) and str(each.get('type')).rpartition('.')[2].startswith('ReduceOnPlateau'):
            yield each.get('monitor', 'loss'), 'monitor in param_scheduler'
