"""How a step's time and memory grow with students, supervised stages, teachers, classes and batch. N images, K classes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import linear_regression, median
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from .mutual import mutual_parts
from .steps import compare_steps
from .sum_of_parts import distiller_parts

_SIZE = 16  # pixels
_LOOKED_AT = 256  # images that a distiller shows its teacher once more at first


@dataclass
class Growth:
    """One axis: what was measured at each place of it.

    Attributes:
        axis: Its name.
        places: Numbers, ascending.
        ours: Seconds of our step at each place, of every round.
        networks: Seconds of its networks alone, one after the other (with the branches that a loss adds), of every round.
        peaks: Megabytes that our step needs at its peak.
    """

    axis: str
    places: list[int]
    ours: list[list[float]] = field(default_factory=list)
    networks: list[list[float]] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    def line(self, what: str) -> tuple[float, float]:
        """The straight line nearest to the medians.

        Args:
            what: 'ours', 'networks' or 'peaks'.

        Returns:
            Its slope, in seconds (or megabytes) for one more, and how far the worst place lies off it, as a share of the largest value.
        """
        values = [each if isinstance(each, float) else median(each) for each in getattr(self, what)]
        slope, start = linear_regression(self.places, values)
        off = max(abs(start + slope * place - value) for place, value in zip(self.places, values, strict=True))
        return slope, off / max(values)


def _network(depth: int = 8, classes: int = 10, stages: Sequence[int] = (4,)) -> dict[str, Any]:
    return dict(
        type='ImageClassifier', backbone=dict(type='mmkd_ext.CIFARResNet', depth=depth, out_indices=tuple(stages)),
        neck=dict(type='GlobalAveragePooling'), head=dict(type='LinearClsHead', num_classes=classes, in_channels=64))


def _config(**model: Any) -> Config:
    preprocessor = dict(num_classes=10, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=False)
    return Config(dict(default_scope='mmpretrain', data_preprocessor=preprocessor, model=dict(input_size=_SIZE, **model)))


def _students(count: int) -> Config:
    students = {f'student{k}': _network() for k in range(count)}
    losses = dict(ml=dict(type='mmkd_ext.MutualLearningLoss'))
    return _config(type='mmkd_ext.MutualLearningDistiller', students=students, losses=losses)


def _distilled(classes: int = 10, teachers: int = 1, stages: int = 0) -> Config:
    """One student of as many teachers, with DSKD on as many of its stages."""
    shallow = (0, 1, 2)[-stages:] if stages else ()
    losses: dict[str, Any] = {f'kd{k}': dict(type='mmkd_ext.KDLoss', tau=4.0, teacher=f'teacher{k}') for k in range(teachers)}
    if stages:
        losses['dskd'] = dict(type='mmkd_ext.DSKDHead', tau=4.0, include_last=False, teacher='teacher0')
    teacher = dict(model=_network(20, classes), checkpoint=None, allow_random=True)
    return _config(
        type='mmkd_ext.OfflineDistiller', student=_network(8, classes, (*shallow, 4)),
        teacher={f'teacher{k}': teacher for k in range(teachers)}, losses=losses)


_BATCH = 64
AXES: dict[str, tuple[list[int], Callable[[int], tuple[Config, int]]]] = {
    'students': ([2, 3, 4, 5, 6], lambda x: (_students(x), _BATCH)),
    'supervised stages': ([1, 2, 3], lambda x: (_distilled(stages=x), _BATCH)),
    'teachers': ([1, 2, 3], lambda x: (_distilled(teachers=x), _BATCH)),
    'classes': ([10, 100, 1000, 5000, 10000], lambda x: (_distilled(classes=x), _BATCH)),
    'batch': ([32, 64, 128, 256], lambda x: (_distilled(), x)),
}


def measure_growth(axis: str, passes: int = 3, rounds: int = 3, threads: int = 1, places: Sequence[int] | None = None) -> Growth:
    """Step time and memory along one axis, on a CPU, in float32; seconds of this process, which other work leaves alone.

    Args:
        axis: A name of `AXES`.
        passes: How often the whole axis is walked.
        rounds: Counted rounds at each place of a pass, after one that is not.
        threads: CPU threads.
        places: Instead of the axis's own.
    """
    own, config_of = AXES[axis]
    growth = Growth(axis, list(places or own))
    prepared = []
    for place in growth.places:
        cfg, batch = config_of(place)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(batch, 3, _SIZE, _SIZE, generator=generator)
        prepared.append((_parts(cfg), images, torch.randint(10, (batch,), generator=generator)))
        growth.ours.append([])
        growth.networks.append([])
        growth.peaks.append(float('inf'))
    for parts, images, targets in prepared:
        compare_steps({'ours': parts['ours']}, images, targets, ['float32'], _LOOKED_AT // len(images), threads)
    for _ in range(passes):
        for i, (parts, images, targets) in enumerate(prepared):
            timings = compare_steps(dict(parts), images, targets, ['float32'], rounds, threads, time.process_time)
            ours, *others = sorted(timings, key=lambda timing: timing.name != 'ours')
            growth.ours[i] += ours.seconds
            growth.networks[i] += [sum(seconds) for seconds in zip(*(each.seconds for each in others), strict=True)]
            growth.peaks[i] = min(growth.peaks[i], ours.peak_mb)
    return growth


def _parts(cfg: Config) -> Mapping[str, nn.Module]:
    """The step, 'ours', and the networks whose times add up beside it."""
    if 'students' in cfg.model:
        return mutual_parts(cfg)
    parts = distiller_parts(cfg)
    kept = 'student with branches' if 'student with branches' in parts else 'student'
    return {name: part for name, part in parts.items() if name in (kept, 'ours') or name.startswith('teacher')}
