"""A warning of schedulers that would begin, or have all their steps, after the training has ended."""

from collections.abc import Mapping
from logging import WARNING
from typing import Any

from mmengine.logging import print_log


def warn_of_late_schedulers(schedulers: Any, loop: Any) -> None:
    """Name each scheduler that never changes a rate.

    Args:
        schedulers: `param_scheduler` of the config.
        loop: Of the training, built.
    """
    for k, each in enumerate(schedulers if isinstance(schedulers, list | tuple) else [schedulers]):
        if not isinstance(each, Mapping):
            continue
        unit = 'epochs' if each.get('by_epoch', True) else 'iterations'
        length = getattr(loop, 'max_epochs' if unit == 'epochs' else 'max_iters', None)
        steps = each.get('milestones')
        begin = min(steps) if isinstance(steps, list | tuple) and steps else each.get('begin', 0)
        if isinstance(length, int | float) and isinstance(begin, int | float) and begin >= length:
            print_log(
                f'{each.get("type")} of param_scheduler changes nothing: it would begin after {begin} {unit}, and the training ends after '
                f'{length}. Look at param_scheduler{f".{k}" if isinstance(schedulers, list | tuple) else ""} and train_cfg.', 'current',
                WARNING)
