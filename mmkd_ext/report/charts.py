"""The figures of a report: a panel for each logged term, the metrics over seeds, and reliability diagrams."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mmkd_ext.evaluation.curve_pictures import ACCURACY, FRACTION, RATE, STYLE, colour_of, draw_curves
from mmkd_ext.evaluation.run_logs import Curve, Run

from .calibration import Reliability
from .groups import Group
from .inline_pictures import plain_text
from .scores import Over

_COLUMNS, _POINTS = 3, 300
_HIDDEN = re.compile(r'grad_norm$|(^|/)(base_)?momentum$')
_WIDTH = 11.0  # inches


def colours(groups: Sequence[Group]) -> list[str]:
    """A colour for each group, as the page and matplotlib write it."""
    return [matplotlib.colors.to_hex(colour_of(i, len(groups))) for i in range(len(groups))]


def curve_figures(groups: Sequence[Group]) -> dict[str, Figure]:
    """Title -> figure: losses, validation, other training terms, the learning rate; a panel for each term, a line for each run.

    Terms that are the same number throughout, other than losses, are left out.
    """
    runs: dict[str, Run] = {}
    lines: list[str] = []
    for group, colour in zip(groups, colours(groups), strict=True):
        for i, run in enumerate(group.runs):
            if run.log is not None:
                runs[f'{group.name} {i}'] = Run({key: _thinned(points) for key, points in run.log.curves.items()}, run.log.epoch_length)
                lines.append(colour)
    known = list(dict.fromkeys(curve for run in runs.values() for curve in run.curves))
    parts: dict[str, list[Curve]] = {'Losses': [], 'Validation': [], 'Accuracy while training': [], 'Other terms': [], 'Learning rate': []}
    for curve in known:
        values = {value for run in runs.values() for _, value in run.curves.get(curve, ()) if math.isfinite(value)}
        if not values:
            continue
        if curve.val:
            parts['Validation'].append(curve)
        elif 'loss' in curve.key:
            parts['Losses'].append(curve)
        elif RATE.search(curve.key):
            parts['Learning rate'].append(curve)
        elif len(values) > 1 and not _HIDDEN.search(curve.key):
            parts['Accuracy while training' if ACCURACY.search(curve.key) or 'top1' in curve.key else 'Other terms'].append(curve)
    parts['Losses'].sort(key=lambda curve: curve.key != 'loss')
    return {title: _panels(runs, lines, curves) for title, curves in parts.items() if curves}


def _panels(runs: Mapping[str, Run], lines: Sequence[str], curves: Sequence[Curve]) -> Figure:
    rows = math.ceil(len(curves) / _COLUMNS)
    in_epochs = all(run.epoch_length for run in runs.values())
    with matplotlib.rc_context(STYLE):
        figure = _grid(rows, _COLUMNS, _WIDTH / _COLUMNS, 2.5)
        for i, curve in enumerate(curves):
            axes = figure.add_subplot(rows, _COLUMNS, i + 1)
            draw_curves(axes, dict(runs), [curve], in_epochs, 1, lines)
            legend = axes.get_legend()
            if legend is not None:
                legend.remove()
            percent = ' (%)' if FRACTION.search(curve.key) else ''
            axes.set_title(plain_text(curve.key) + percent)
            axes.set_xlabel('epoch' if in_epochs else 'iteration')
        return figure


def _grid(rows: int, columns: int, width: float, height: float) -> Figure:
    """A figure for panels of that many inches, with room for what is written beside them; matplotlib's own layout takes seconds."""
    left, right, bottom, top = 0.62, 0.2, 0.5, 0.35
    figure = Figure(figsize=(columns * width, rows * height))
    across, down = width - left - right, height - bottom - top
    figure.subplots_adjust(
        left / (columns * width), bottom / (rows * height), 1 - right / (columns * width), 1 - top / (rows * height),
        (left + right) / across, (bottom + top) / down)
    return figure


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most so many points as can be seen: means of neighbours."""
    if len(points) <= _POINTS:
        return points
    return [(float(xy[:, 0].mean()), float(xy[:, 1].mean())) for xy in np.array_split(np.array(points), _POINTS)]


def metric_figure(rows: Sequence[tuple[str, Over, str]], metric: str) -> Figure:
    """Points of the seeds, their mean and its interval, a row for each network.

    Args:
        rows: Name, numbers and colour.
        metric: Of the axis.
    """
    with matplotlib.rc_context({**STYLE, 'axes.grid': False}):
        figure = Figure(figsize=(_WIDTH * 0.7, 0.9 + 0.42 * len(rows)), layout='constrained')
        axes = figure.add_subplot()
        for i, (_, over, colour) in enumerate(rows):
            y = len(rows) - 1 - i
            if math.isfinite(over.half):
                axes.plot([over.mean - over.half, over.mean + over.half], [y, y], color=colour, linewidth=2.5, alpha=0.45)
            axes.plot([over.mean], [y], '|', color=colour, markersize=16, markeredgewidth=2.5)
            axes.plot(over.values, [y] * len(over.values), 'o', color=colour, markersize=4)
        axes.set_yticks(range(len(rows)), [plain_text(name) for name, _, _ in rows][::-1])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlabel(f'{plain_text(metric)}, last validation (axis does not start at 0)')
        axes.grid(True, axis='x', alpha=0.25)
        axes.ticklabel_format(axis='x', useOffset=False)
        return figure


def reliability_figure(networks: Mapping[str, Reliability]) -> Figure:
    """Accuracy over confidence for each network; the grey diagonal is a calibrated one, and a bar below says how many images there are."""
    columns = min(len(networks), 4)
    rows = math.ceil(len(networks) / columns)
    with matplotlib.rc_context(STYLE):
        figure = _grid(rows, columns, 2.75, 2.9)
        for i, (name, each) in enumerate(networks.items()):
            axes = figure.add_subplot(rows, columns, i + 1)
            bins = len(each.counts)
            edges = np.arange(bins) / bins
            axes.bar(edges, np.nan_to_num(each.accuracy), 1 / bins, align='edge', color='#0072B2', alpha=0.75, edgecolor='white')
            axes.bar(edges, 0.12 * each.counts / max(each.counts.max(), 1), 1 / bins, align='edge', color='0.25', alpha=0.5)
            axes.plot([0, 1], [0, 1], color='0.5', linestyle='--', linewidth=1)
            drawn: Any = each.counts > 0
            axes.plot(each.confidence[drawn], each.accuracy[drawn], 'o', color='#D55E00', markersize=3)
            axes.set(xlim=(0, 1), ylim=(0, 1), xlabel='confidence', ylabel='accuracy')
            axes.set_title(f'{plain_text(name)}: ECE {100 * each.ece:.1f} %')
        return figure


def confusion_figure(matrix: np.ndarray) -> Figure:
    """A picture of a matrix that has too many classes for a table: shares of each row."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    with matplotlib.rc_context({**STYLE, 'axes.grid': False}):
        figure = Figure(figsize=(6, 5), layout='constrained')
        axes = figure.add_subplot()
        drawn = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1, interpolation='nearest')
        axes.set(xlabel='called (class number)', ylabel='true class (number)')
        figure.colorbar(drawn, label='share of the true class')
        return figure
