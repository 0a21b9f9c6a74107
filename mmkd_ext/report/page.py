"""The page itself: one HTML file without a link to anything outside of it."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmkd_ext import __version__

from .answers import Asked, Notes, answers_part
from .charts import curve_figures
from .groups import grouped
from .inline_pictures import svg
from .overview import accuracy_part, in_order, summary, trained_part
from .trained_runs import find_runs

_PARTS = {
    'notes': ('notes', 'Not shown'), 'trained': ('groups', 'What was trained'), 'accuracy': ('metrics', 'Accuracy'),
    'curves': ('curves', 'Curves'), 'adapters': ('adapters', 'Adapters'), 'calibration': ('calibration', 'Calibration'),
    'confusion': ('confusion', 'Confusion'), 'disagreements': ('disagreements', 'Disagreements'),
    'detections': ('detections', 'Detections'), 'cost': ('costs', 'Size and speed'), 'repeat': ('commands', 'To repeat it')}
_NUMBERED = re.compile(r'(epoch|iter|best|last|before)_.*')
_EMPTY: dict[str, Any] = {
    'metrics': [], 'accuracy_rows': [], 'gains': [], 'headline': None, 'metric_figure': None, 'baseline': '', 'asked': '',
    'calibration': None, 'confusion': None, 'disagreements': [], 'detections': None, 'costs': [], 'machine': ''}


def report_page(places: Sequence[Path], asked: Asked | None) -> tuple[str, str]:
    """The HTML of a page about the runs in some work dirs, and its accuracies as lines for a terminal.

    Args:
        places: The work dirs, or folders of several.
        asked: What is asked of the networks; None: nothing, they are not run.

    Raises:
        PreflightError: A place that holds no run.
    """
    runs = find_runs(places)
    groups = in_order(grouped(runs))
    notes = Notes()
    for run in runs:
        for problem in run.problems:
            notes.add(problem)
    accuracy = accuracy_part(groups)
    figures = notes.tried('Curves are not drawn', curve_figures, groups) or {}
    content = {**_EMPTY, **trained_part(groups, places), **accuracy, 'curves': [(title, svg(each)) for title, each in figures.items()]}
    if asked is None:
        notes.add('Predictions, calibration and speed: the networks were not run, as --no-predictions asks.')
    else:
        content.update(answers_part(groups, places, asked, notes))
    names = ', '.join(dict.fromkeys(place.resolve().name for place in places))
    content.update(
        title=f'Report: {names}', notes=list(notes), shipped=_shipped([*places, *(run.folder for run in runs)]),
        made=f'Made on {time.strftime("%Y-%m-%d %H:%M")} by mmkd_ext {__version__} of {len(runs)} run{"s" * (len(runs) > 1)}.')
    content['contents'] = [(part, heading) for part, (key, heading) in _PARTS.items() if content[key]]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template('page.html').render(content), summary(accuracy)


def _shipped(folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Path and megabytes of the files that an export left in the folders."""
    files = {
        path.resolve(): path for folder in folders for path in sorted([*folder.glob('*.pth'), *folder.glob('*.onnx')])
        if not _NUMBERED.fullmatch(path.name)}
    return [(str(path), f'{path.stat().st_size / 1e6:.2f}') for path in files.values()]
