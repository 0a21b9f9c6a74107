"""Checks that the evaluators give the metrics that checkpoint hooks, early stopping and schedulers watch."""

import copy
import difflib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.logging import print_log


def check_watched(
    hooks: Sequence[Hook], schedulers: Any, names: Sequence[str] | None, tables: Sequence[str] = (), asked: Sequence[str] = (),
) -> None:  # fmt: skip
    """Compare what is waited for with what the evaluators give.

    Args:
        hooks: Of the run.
        schedulers: `param_scheduler` of its config.
        names: Of the student's numbers, in the order of the evaluators; None where they cannot be known.
        tables: Those of them that are several numbers, such as one for each class.
        asked: Names that a study will look for in the log; those of evaluators have a `/`, and the teacher's are not in `names`.

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
    single = [name for name in names if name not in tables]
    wanted = [(name, 'metric and also of the study') for name in asked if '/' in name and not name.startswith('teacher/')]
    for name, place in (*_watched(hooks, schedulers), *wanted):
        if name not in single:
            close = difflib.get_close_matches(name, single, n=1, cutoff=0.6)
            hint = f' Did you mean {close[0]}?' if close else ''
            several = ', which is several numbers' if name in tables else ''
            raise ValueError(
                f'A number of the validation is needed, one of {", ".join(single) or "none"}, got {name!r}{several}.{hint} Look at '
                f'{place}.')
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best and 'auto' in hook.key_indicators and names:
            if names[0] in tables:
                raise ValueError(
                    f"A number is needed by which save_best='auto' can choose, such as {', '.join(single) or 'accuracy/top1'}, got "
                    f'{names[0]}, which is several numbers. Name one by save_best of the CheckpointHook, or look at val_evaluator.')
            tried = copy.copy(hook)
            tried.is_better_than = {}
            try:
                tried._init_rule(list(hook.rules), [names[0]])
            except ValueError as error:
                raise ValueError(
                    f"rule='greater' or rule='less' is needed to choose a checkpoint by {names[0]}, got {hook.rules[0]}. Look at rule of "
                    'the CheckpointHook.') from error


def warn_without_validation(hooks: Sequence[Hook], schedulers: Any) -> None:
    """One warning for what waits for the numbers of a validation that the run does not have: it never happens."""
    waiting = list(dict.fromkeys(place for _, place in _watched(hooks, schedulers, auto=True)))
    if waiting:
        print_log(
            f'The run has no validation, for whose numbers {", ".join(waiting)} waits: nothing will come of it.', 'current',
            logging.WARNING)


def _watched(hooks: Sequence[Hook], schedulers: Any, auto: bool = False) -> Iterator[tuple[str, str]]:
    """Name of a number, and where it is asked for; `auto`: also where any is taken."""
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best:
            for name in hook.key_indicators:
                if auto or name != 'auto':
                    yield name, 'save_best of the CheckpointHook'
        if isinstance(hook, EarlyStoppingHook):
            yield hook.monitor, 'monitor of the EarlyStoppingHook'
    for each in schedulers if isinstance(schedulers, list | tuple) else [schedulers]:
        if isinstance(each, Mapping) and str(each.get('type')).rpartition('.')[2].startswith('ReduceOnPlateau'):
            yield each.get('monitor', 'loss'), 'monitor in param_scheduler'
