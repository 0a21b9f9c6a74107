"""Validation metrics of groups over seeds: means, intervals, and differences to a baseline of paired seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from mmkd_ext.evaluation.curve_pictures import FRACTION
from mmkd_ext.evaluation.run_logs import Curve
from mmkd_ext.evaluation.study_table import mean_and_half

from .groups import Group, teacher_specs
from .trained_runs import TrainedRun

_MOST = 6  # columns
_FIRST = ('accuracy/top1', 'coco/bbox_mAP', 'coco/bbox_mAP_50')


class Over(NamedTuple):
    """A metric over seeds: mean, and half of its 95 % interval (Student's t; infinite for one seed)."""

    mean: float
    half: float
    values: list[float]

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.half)


def over_seeds(values: Sequence[float]) -> Over:
    """Mean and interval.

    Example:
        >>> over_seeds([80.0, 82.0, 87.0]).mean
        83.0
    """
    if not all(map(math.isfinite, values)):  # of a run that diverged there is no interval
        return Over(sum(values) / len(values), math.inf, list(values))
    return Over(*mean_and_half(values), list(values))


def metric_names(groups: Sequence[Group]) -> list[str]:
    """The validation metrics of the deployed networks, the usual ones first."""
    found: dict[str, None] = {}
    for group in groups:
        for run in group.runs:
            teachers = tuple(f'{name}/' for name in teacher_specs(run))
            for curve in run.log.curves if run.log is not None else ():
                if curve.val and not (teachers and curve.key.startswith(teachers)):
                    found.setdefault(curve.key)
    ordered = [name for name in _FIRST if name in found] + [name for name in found if name not in _FIRST]
    return ordered[:_MOST]


def last_and_best(run: TrainedRun, metric: str) -> tuple[float, float] | None:
    """The metric of the last validation, and the largest; in percent where mmdet counts to one."""
    points = run.log.curves.get(Curve(metric, val=True)) if run.log is not None else None
    scale = 100.0 if FRACTION.search(metric) else 1.0
    if scale == 100.0:
        points = [(x, value) for x, value in points or () if value != -1]  # COCO's for `no such box`
    if not points:
        return None
    finite = [value for _, value in points if math.isfinite(value)]
    return scale * points[-1][1], scale * max(finite, default=math.nan)


def of_group(group: Group, metric: str, best: bool = False) -> Over | None:
    """A metric over the seeds of a group; None where none has it."""
    values = [each[best] for run in group.runs if (each := last_and_best(run, metric)) is not None]
    return over_seeds(values) if values else None


def gain(group: Group, baseline: Group, metric: str) -> Over | None:
    """How much more a group has than a baseline, over the seeds that both have; without seeds in common, None."""
    ours, theirs = (
        {run.seed if run.seed is not None else -1 - i: each[0] for i, run in enumerate(one.runs)
         if (each := last_and_best(run, metric)) is not None} for one in (group, baseline))  # fmt: skip
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return None
    return over_seeds([ours[seed] - theirs[seed] for seed in seeds])


def of_frozen_teachers(groups: Sequence[Group], metric: str) -> dict[str, float]:
    """Teacher -> its metric as the logs of the distilled runs have it, by its name in the config."""
    found: dict[str, float] = {}
    for group in groups:
        for run in group.runs:
            for name in teacher_specs(run):
                points = run.log.curves.get(Curve(f'{name}/{metric}', val=True)) if run.log is not None else None
                if points:
                    found.setdefault(name, (100.0 if FRACTION.search(metric) else 1.0) * points[-1][1])
    return found
