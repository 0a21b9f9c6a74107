"""Draw the curves of runs from mmengine's logs: python tools/plot_curves.py RUN [RUN ...] [--out curves.png]."""

import argparse
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.curve_pictures import ACCURACY, FRACTION, RATE, STYLE, colour_of, draw_curves
from mmkd_ext.evaluation.run_logs import Curve, Run, read_run
from mmkd_ext.running.command_line import run_checked


def plot(runs: dict[str, Path], out: Path, keys: Sequence[str] = (), smooth: int = 1) -> Path:
    """Draw losses, accuracies, a learning rate that varies, and a panel for each of `keys`; returns `out`.

    One run has a colour for each curve. Several have a colour for each run, and a dash for each curve.

    Args:
        runs: Name in the legend -> work dir of the runner, or its scalars.json.
        out: The picture to write; its suffix names the format.
        keys: Regular expressions, searched in the names of all logged scalars.
        smooth: Points of the moving average over training lines; 1 draws them as they are.

    Raises:
        PreflightError: A run that cannot be read, a key that nothing matches, or a picture that cannot be written.
    """
    if not runs or smooth < 1:
        raise PreflightError(f'A run and --smooth >= 1 are needed, got {len(runs)} runs and {smooth}: look at --help.')
    read = {name: read_run(Path(path)) for name, path in runs.items()}
    known = list(dict.fromkeys(curve for run in read.values() for curve in run.curves))
    known.sort(key=lambda curve: curve.key.count('/'))  # the model's own before the teacher's and each network's
    losses = sorted((curve for curve in known if 'loss' in curve.key), key=lambda curve: curve.key != 'loss')
    accuracies = sorted((c for c in known if ACCURACY.search(c.key) and c not in losses), key=lambda c: not c.val)
    rates = [
        curve
        for curve in known
        if RATE.search(curve.key) and any(len({y for _, y in run.curves.get(curve, ())}) > 1 for run in read.values())
    ]
    panels = [
        panel
        for panel in (
            ('Loss', 'weighted loss terms (nats)', losses),
            (
                'Accuracy',
                'accuracy, AP (%)' if any(FRACTION.search(c.key) for c in known) else 'accuracy (%)',
                accuracies,
            ),
            ('Learning rate', 'learning rate', rates),
            *((k, 'value', _matching(k, known)) for k in keys),
        )
        if panel[2]
    ]
    if not panels:
        raise PreflightError(f'A loss or an accuracy is needed, got {", ".join(c.key for c in known)}: see --keys.')
    drawn = [curve for _, _, curves in panels for curve in curves]
    if not any(math.isfinite(y) for run in read.values() for curve in drawn for _, y in run.curves.get(curve, ())):
        raise PreflightError(
            f'A finite number to draw is needed, got only NaN and infinite ones of {", ".join(dict.fromkeys(c.key for c in drawn))} in '
            f'{", ".join(map(str, runs.values()))}. Did the training diverge? Look at its log.')
    with matplotlib.rc_context(STYLE):
        return write_picture(_figure(read, panels, smooth), Path(out))


def _matching(pattern: str, known: Sequence[Curve]) -> list[Curve]:
    try:
        found = [curve for curve in known if re.search(pattern, curve.key)]
    except re.error as error:
        raise PreflightError(f'A regular expression is needed, got {pattern!r}: {error}. Look at --keys.') from error
    if not found:
        names = ', '.join(dict.fromkeys(curve.key for curve in known))
        raise PreflightError(f'A key that a run logs is needed, got {pattern!r}, matching none of {names}: see --keys.')
    return found


def _figure(runs: dict[str, Run], panels: Sequence[tuple[str, str, list[Curve]]], smooth: int) -> Figure:
    rows = (len(panels) + 1) // 2  # a last panel that is alone in its row is as wide as two, and lower
    heights = [3.6 if row == 0 or 2 * row + 1 < len(panels) else 2.0 for row in range(rows)]
    figure = Figure(figsize=(11, sum(heights) + 0.4 * rows), layout='constrained')
    grid = figure.add_gridspec(rows, 2, height_ratios=heights)
    in_epochs = all(run.epoch_length for run in runs.values())
    for i, (title, unit, curves) in enumerate(panels):
        axes = figure.add_subplot(grid[i // 2, :] if i % 2 == 0 and i == len(panels) - 1 else grid[i // 2, i % 2])
        draw_curves(axes, runs, curves, in_epochs, smooth)
        axes.set(title=title, xlabel='epoch' if in_epochs else 'iteration', ylabel=unit)
    if len(runs) > 1:
        handles = [Line2D([], [], color=colour_of(i, len(runs)), linewidth=3, label=name) for i, name in enumerate(runs)]
        figure.legend(handles=handles, loc='outside upper center', ncols=min(len(runs), 4), fontsize=9)
    return figure


def check_picture(out: Path, flag: str = '--out') -> None:
    """Whether a picture's name ends in a format that can be written."""
    if out.suffix[1:].lower() not in (kinds := FigureCanvasBase.get_supported_filetypes()):
        raise PreflightError(f'A picture named .{", .".join(sorted(kinds))} is needed, got {out}. Look at {flag}.')


def write_picture(figure: Figure, out: Path) -> Path:
    """Write a picture whole, in the format that its name ends in."""
    check_picture(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(f'.{os.getpid()}_{out.name}')
        try:
            figure.savefig(partial, dpi=150)
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise PreflightError(f'A picture that can be written is needed, got {out}: {error}. Look at --out.') from error
    return out


def draw(argv: Sequence[str] | None = None) -> None:
    """Draw, then name the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('runs', nargs='+', metavar='RUN', help='a work dir of tools/train.py, or a scalars.json')
    parser.add_argument('--out', default='curves.png', help='the picture to write (default: curves.png)')
    parser.add_argument('--keys', nargs='+', default=[], metavar='REGEX', help='a panel each for other scalars')
    parser.add_argument('--labels', nargs='+', metavar='NAME', help='names of the runs (default: of their folders)')
    parser.add_argument('--smooth', type=int, default=1, metavar='N', help='average N points of training (default: 1)')
    args = parser.parse_args(argv)
    folders = [Path(run).resolve().name for run in args.runs]
    names = args.labels or (folders if len(set(folders)) == len(folders) else args.runs)
    if len(set(names)) < len(names) or len(names) != len(args.runs):
        raise PreflightError(f'Names for {len(args.runs)} runs are needed, got {", ".join(names)}. Look at --labels.')
    print(f'wrote {plot(dict(zip(names, map(Path, args.runs), strict=True)), Path(args.out), args.keys, args.smooth)}')


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: draw(argv))
