"""Draw the logs of runs: python tools/plot_curves.py RUN [RUN ...] [--out curves.png] [--keys REGEX ...]. A panel for each kind of curve."""

import argparse
import io
import json
import os
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmkd_ext.preflight import PreflightError, run_checked

_COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#8C564B', '#7F7F7F')
_DASHES = ('-', (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)))
_STYLE = {'font.size': 9, 'axes.titlesize': 10, 'axes.spines.top': False, 'axes.spines.right': False, 'axes.grid': True,
          'grid.alpha': 0.25, 'grid.linewidth': 0.6, 'legend.fontsize': 8, 'legend.frameon': False, 'lines.solid_capstyle': 'round'}
_FRACTION = re.compile(r'^(coco|pascal_voc)/')  # mmdet's metrics are 0..1, mmpretrain's are percent
_TRAIN_ACCURACY = re.compile(r'(?<![a-zA-Z])acc')
_VAL_ACCURACY = re.compile(r'(?<![a-zA-Z])acc|top-?\d|mAP(_50)?$|precision|recall|f1-score')
_BOOKKEEPING = {'step', 'epoch', 'iter', 'time', 'data_time', 'memory'}

Points = list[tuple[float, float]]


@dataclass
class Run:
    """What a run logged: key -> [(iteration, value)], and the iterations of an epoch where the lines tell them."""

    train: dict[str, Points] = field(default_factory=dict)
    val: dict[str, Points] = field(default_factory=dict)
    epoch_length: float | None = None


@dataclass
class Curve:
    """One key in one panel; `val` says which lines it comes from, `strong` that it is the panel's main one."""

    key: str
    val: bool = False
    strong: bool = False
    smooth: int = 1

    def points(self, run: Run) -> Points:
        """Smoothed points, percent where the key is a fraction."""
        found = (run.val if self.val else run.train).get(self.key, [])
        scale, reach = 100.0 if _FRACTION.match(self.key) else 1.0, self.smooth // 2
        windows = (found[max(0, i - reach):max(0, i - reach) + self.smooth] for i in range(len(found)))
        return [(x, scale * statistics.fmean(y for _, y in window)) for (x, _), window in zip(found, windows, strict=True)]


def read_run(path: Path) -> Run:
    """Read a work dir, one start of it, or a scalars.json.

    The starts of a resumed run are joined in step order, and the later one wins on equal steps; a start from the very beginning
    makes a new run, so what is older is left out.

    Raises:
        PreflightError: There is no run, or nothing was logged, or a line other than the last one is broken.
    """
    if not path.exists():
        raise PreflightError(f'A run is needed, got {path}, which is not there. Look at the --work-dir that the run was trained with.')
    files = [path] if path.is_file() else [
        file for pattern in ('scalars.json', 'vis_data/scalars.json', '*/vis_data/scalars.json') for file in sorted(path.glob(pattern))]
    if not files:
        raise PreflightError(f'A run with a log is needed, got {path}, which has no */vis_data/scalars.json. Is it a work dir of '
                             'tools/train.py, and did the training reach its first logged iteration?')
    train: dict[int, dict] = {}
    val: dict[int, dict] = {}
    for file in files:
        seen = 0  # the last iteration before a validation
        for record in _records(file):
            if 'iter' in record or 'lr' in record:
                if not seen and train and record['step'] <= min(train):
                    train, val = {}, {}
                seen = record['step']
                train[seen] = record
            else:
                val[record['step'], seen] = record
    if not train and not val:
        raise PreflightError(f'Logged scalars are needed, got none in {files[-1]}. Was the run killed before its first logged '
                             'iteration? Look at default_hooks.logger.interval.')
    return _run(train, val)


def _records(file: Path) -> Iterator[dict]:
    lines = file.read_text(errors='replace').splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):  # the run was killed while it wrote
                return
            raise PreflightError(f'A JSON object per line is needed, got line {number} of {file}: {error}. '
                                 'Is it a scalars.json of the runner?') from error
        if not isinstance(record, dict) or not isinstance(record.get('step'), int):
            raise PreflightError(f'A JSON object with a step per line is needed, got line {number} of {file}: {line[:60]}. '
                                 'Is it a scalars.json of the runner?')
        yield record


def _run(train: dict[int, dict], val: dict) -> Run:
    run = Run(epoch_length=_epoch_length(train, [step for step, _ in val]))
    for step in sorted(train):
        _append(run.train, step, train[step])
    at: dict[float, dict] = {}
    for (step, seen), record in val.items():
        # Counted in iterations a validation never precedes the lines above it; a smaller number counts something else.
        at[step * run.epoch_length if run.epoch_length else max(step, seen)] = record
    for iteration in sorted(at):
        _append(run.val, iteration, at[iteration])
    return run


def _append(curves: dict[str, Points], iteration: float, record: dict) -> None:
    for key, value in record.items():
        if key not in _BOOKKEEPING and isinstance(value, int | float):
            curves.setdefault(key, []).append((iteration, float(value)))


def _epoch_length(train: dict[int, dict], val_steps: Sequence[int]) -> float | None:
    """Iterations of an epoch, None where a run counts iterations only or has not finished its first epoch."""
    first: dict[int, int] = {}  # epoch -> its first logged iteration, which has the same place in each epoch
    for step in sorted(train):
        if 'epoch' in train[step]:
            first.setdefault(train[step]['epoch'], step)
    epochs = sorted(first)
    if len(epochs) > 1:
        return statistics.median((first[b] - first[a]) / (b - a) for a, b in zip(epochs, epochs[1:], strict=False))
    return max(train) / epochs[0] if epochs and set(val_steps) == set(epochs) else None


def plot(runs: dict[str, Path], out: Path, keys: Sequence[str] = (), smooth: int = 1) -> Path:
    """Draw losses, accuracies, a learning rate that varies, and a panel for each of `keys`.

    One run has a colour for each curve. Several have a colour for each run, and a dash for each curve.

    Args:
        runs: Name in the legend -> work dir of the runner, or its scalars.json.
        out: The picture to write; its suffix names the format.
        keys: Regular expressions, searched in the names of all logged scalars.
        smooth: Points of the moving average over training lines; 1 draws them as they are.

    Returns:
        `out`.

    Raises:
        PreflightError: A run that cannot be read, a key that nothing matches, or a picture that cannot be written.
    """
    if not runs or smooth < 1:
        raise PreflightError(f'At least one run and smooth >= 1 are needed, got {len(runs)} runs and smooth={smooth}. '
                             'Look at RUN and --smooth.')
    read = {name: read_run(Path(path)) for name, path in runs.items()}
    train, val = (list(dict.fromkeys(key for run in read.values() for key in getattr(run, kind))) for kind in ('train', 'val'))
    losses = sorted((key for key in train if 'loss' in key), key='loss'.__ne__)  # the total first
    accuracies = [key for key in val if _VAL_ACCURACY.search(key)]
    panels: list[tuple[str, str, list[Curve]]] = [
        ('Loss terms', 'weighted loss (nats)', [
            *(Curve(key, strong=key == 'loss', smooth=smooth) for key in losses), *(Curve(key, val=True) for key in val if 'loss' in key)]),
        ('Accuracy', 'accuracy (%)' if not any(map(_FRACTION.match, accuracies)) else 'accuracy, average precision (%)', [
            *(Curve(key, val=True, strong=True) for key in accuracies),
            *(Curve(key, smooth=smooth) for key in train if _TRAIN_ACCURACY.search(key) and 'loss' not in key)]),
        ('Learning rate', 'learning rate', [
            Curve(key) for key in train if re.search(r'(^|/)lr$', key)
            and any(len({y for _, y in run.train.get(key, [])}) > 1 for run in read.values())]),
        *((key, 'value', _asked_for(key, train, val, smooth)) for key in keys)]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        raise PreflightError(f'A loss or an accuracy is needed, got only {", ".join([*train, *val]) or "no scalars"} in '
                             f'{", ".join(map(str, runs.values()))}. Name others by --keys.')
    with matplotlib.rc_context(_STYLE):
        return _write(_figure(read, panels), Path(out))


def _asked_for(pattern: str, train: Sequence[str], val: Sequence[str], smooth: int) -> list[Curve]:
    try:
        search: Callable = re.compile(pattern).search
    except re.error as error:
        raise PreflightError(f'A regular expression is needed, got {pattern!r}: {error}. Look at --keys.') from error
    found = [*(Curve(key, smooth=smooth) for key in train if search(key)), *(Curve(key, val=True) for key in val if search(key))]
    if not found:
        raise PreflightError(f'A key that a run logs is needed, got {pattern!r}, which matches none of '
                             f'{", ".join(dict.fromkeys([*train, *val]))}. Look at --keys.')
    return found


def _figure(runs: dict[str, Run], panels: Sequence[tuple[str, str, list[Curve]]]) -> Figure:
    rows = (len(panels) + 1) // 2
    heights = [3.6 if row == 0 or len(panels) - 2 * row > 1 else 1.8 for row in range(rows)]
    figure = Figure(figsize=(11, sum(heights) + 0.4 * rows), dpi=150, layout='constrained')
    grid = figure.add_gridspec(rows, 2, height_ratios=heights)
    in_epochs = all(run.epoch_length for run in runs.values())
    for i, (title, unit, curves) in enumerate(panels):
        alone = i == len(panels) - 1 and i % 2 == 0
        axes = figure.add_subplot(grid[i // 2, :] if alone else grid[i // 2, i % 2])
        _draw(axes, runs, curves, in_epochs)
        axes.set(title=title, xlabel='epoch' if in_epochs else 'iteration', ylabel=unit)
    if len(runs) > 1:
        handles = [Line2D([], [], color=_colour(i, len(runs)), linewidth=3, label=name) for i, name in enumerate(runs)]
        figure.legend(handles=handles, loc='outside upper center', ncols=min(len(runs), 5), fontsize=9)
    return figure


def _draw(axes: Axes, runs: dict[str, Run], curves: Sequence[Curve], in_epochs: bool) -> None:
    sources = {curve.val for curve in curves}
    legend, values = [], []
    for j, curve in enumerate(curves):
        width = 2.4 if curve.strong else 1.2
        for i, run in enumerate(runs.values()):
            xs = [x / (run.epoch_length if in_epochs and run.epoch_length else 1) for x, _ in curve.points(run)]
            ys = [y for _, y in curve.points(run)]
            values += ys
            several = len(runs) > 1
            axes.plot(xs, ys, linewidth=width, color=_colour(i, len(runs)) if several else _colour(j, len(curves)),
                      linestyle=_DASHES[j % len(_DASHES)] if several else '-', zorder=3 if curve.strong else 2,
                      alpha=1 if curve.strong or len(sources) == 1 else 0.55, marker='o' if len(xs) < 6 else None, markersize=3)
        label = curve.key + (f' ({"validation" if curve.val else "training"})' if len(sources) > 1 else '')
        legend.append(Line2D([], [], color='0.3' if len(runs) > 1 else _colour(j, len(curves)), linewidth=width, label=label,
                             linestyle=_DASHES[j % len(_DASHES)] if len(runs) > 1 else '-'))
    # Equal to two decades is not more, whatever the floats say.
    if values and min(values) > 0 and max(values) / min(values) > 100 * (1 + 1e-9):
        axes.set_yscale('log')
    outside = {'loc': 'upper left', 'bbox_to_anchor': (1.0, 1.0)} if len(legend) > 6 else {'loc': 'best'}
    axes.legend(handles=legend, **outside)
