"""Curves of runs in matplotlib axes: colours, dashes, scales, and what is drawn in percent."""

import math
import re
import statistics
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .run_logs import Curve, Run

_COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#8C564B', '#7F7F7F')
_DASHES: Any = ('-', (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)))
STYLE: Any = {
    'font.size': 9,
    'axes.titlesize': 10,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.xmargin': 0.02,
    'axes.grid': True,
    'grid.alpha': 0.25,
    'grid.linewidth': 0.6,
    'legend.fontsize': 8,
    'legend.framealpha': 0.8,
    'legend.edgecolor': 'none',
}
FRACTION = re.compile(r'(^|/)(coco|pascal_voc)/')  # mmdet's metrics are 0..1, mmpretrain's are percent
ACCURACY = re.compile(r'(?<![a-zA-Z])acc|mAP(_50)?$|precision|recall|f1-score')
RATE = re.compile(r'(^|/)lr$')


def draw_curves(
    axes: Axes, runs: dict[str, Run], curves: Sequence[Curve], in_epochs: bool, smooth: int, colours: Sequence[Any] | None = None
) -> None:
    """Draw curves with their legend. One run has a colour for each curve; several have a colour for each run, and a dash for each curve.

    Args:
        axes: Where.
        runs: By name.
        curves: Which of theirs; a run may lack some.
        in_epochs: Whether the axis counts epochs, where a run tells their length.
        smooth: Points of the moving average over training lines.
        colours: One for each run, instead of the usual ones.
    """
    both, several = len({curve.val for curve in curves}) > 1, len(runs) > 1 or colours is not None
    legend, values = [], []
    for j, curve in enumerate(curves):
        strong, rate = curve.val or curve.key == 'loss', RATE.search(curve.key)
        style: Any = dict(linewidth=2.2 if strong else 1.2, linestyle=_DASHES[j % len(_DASHES) if several else 0])
        label = f'{curve.key} ({"validation" if curve.val else "training"})' if both else curve.key
        for i, run in enumerate(runs.values()):
            points, scale = run.curves.get(curve, []), 100 if FRACTION.search(curve.key) else 1
            xs = [x / (run.epoch_length if in_epochs and run.epoch_length else 1) for x, _ in points]
            ys = _smoothed([scale * y for _, y in points], 1 if curve.val or rate else smooth)
            values += [y for y in ys if math.isfinite(y)]
            axes.plot(
                xs,
                ys,
                color=colours[i] if colours else colour_of(i, len(runs)) if several else colour_of(j, len(curves)),
                zorder=2 + strong,
                alpha=0.5 if both and not strong else 1,
                drawstyle='steps-pre' if rate else 'default',
                marker='o' if len(xs) < 6 else None,
                markersize=4,
                **style,
            )
        legend.append(Line2D([], [], color='0.3' if several else colour_of(j, len(curves)), label=label, **style))
    positive = [y for y in values if y > 0]
    # Rates that fall in steps read best on a log scale, those that fall smoothly do not; 0.1 / 0.001 is not quite 100.
    fitting = 'loss' in curves[0].key or RATE.search(curves[0].key) and len(positive) > 4 * len(set(positive))
    if fitting and positive and min(values) >= 0 and max(positive) / min(positive) > 99.99:
        axes.set_yscale('log', nonpositive='mask')  # a term that a warm-up holds at zero is not drawn
    if len(legend) > 1 or len(curves[0].key) > 4:
        place: Any = {'loc': 'upper left', 'bbox_to_anchor': (1, 1)} if len(legend) > 5 else {'loc': 'best'}
        axes.legend(handles=legend, **place)


def _smoothed(values: Sequence[float], smooth: int) -> list[float]:
    """Centred moving average; windows are cut at the ends."""
    starts = range(-(smooth // 2), len(values) - smooth // 2)
    return [statistics.fmean(values[max(0, start) : start + smooth]) for start in starts]


def colour_of(index: int, count: int) -> Any:
    """Colours that colour-blind readers tell apart, as far as they go."""
    return _COLOURS[index] if count <= len(_COLOURS) else matplotlib.colormaps['turbo'](index / (count - 1))
