"""The part of a page that needs no network: what was trained, how the configs differ, accuracies over seeds, commands."""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmkd_ext.config.named_types import type_name
from mmkd_ext.evaluation.curve_pictures import FRACTION

from .charts import colours, metric_figure
from .config_differences import differences
from .groups import ALONE, DISTILLED, TEACHER, TRAINED, Group, main_group, own_content, reference
from .inline_pictures import svg
from .journey_record import read_journey
from .scores import Over, gain, metric_names, of_frozen_teachers, of_group
from .trained_runs import TrainedRun

_ROLES = {TEACHER: 0, ALONE: 1, TRAINED: 2, DISTILLED: 3}
_MOST_ROWS = 60  # of differences


def in_order(groups: Sequence[Group]) -> list[Group]:
    """Teachers first, what is distilled last."""
    return sorted(groups, key=lambda group: _ROLES[group.role])


def trained_part(groups: Sequence[Group], places: Sequence[Path]) -> dict[str, Any]:
    """What the page says under `What was trained` and `To repeat it`."""
    base = reference(groups)
    others = [group for group in groups if group is not base and group.runs[0].cfg is not None]
    compared = [base, *others] if base.runs[0].cfg is not None else others
    found = differences([own_content(group.runs[0]) for group in compared]) if len(compared) > 1 else []
    rows = [{'key': row.key, 'values_': row.values} for row in found[:_MOST_ROWS]]
    if len(found) > _MOST_ROWS:
        rows.append({'key': f'and {len(found) - _MOST_ROWS} more', 'values_': [''] * len(compared)})
    journey = next(filter(None, map(read_journey, places)), None)
    return {
        'groups': [_row(group, colour) for group, colour in zip(groups, colours(groups), strict=True)],
        'reference': base.name, 'configured': [group.name for group in compared], 'differences': rows,
        'remarks': journey.remarks if journey is not None else [],
        'configs': [(group.name, group.runs[0].config_file.read_text(errors='replace')) for group in groups if group.runs[0].config_file],
        'commands': '\n'.join([*([journey.command] if journey is not None else []), *_commands(groups, places)]),
        'adapters': [(group.name, text) for group in groups if (text := _adapters(group.runs[0].folder))]}


def accuracy_part(groups: Sequence[Group]) -> dict[str, Any]:
    """What it says under `Accuracy`; nothing where no run was validated."""
    metrics = metric_names(groups)
    if not metrics:
        return {}
    rows: list[dict[str, Any]] = []
    if not any(group.role == TEACHER for group in groups):
        frozen = {metric: of_frozen_teachers(groups, metric) for metric in metrics}
        for name in dict.fromkeys(name for each in frozen.values() for name in each):
            last = [Over(each[name], math.inf, [each[name]]) if name in each else None for each in frozen.values()]
            rows.append({'name': f'{name} (frozen)', 'colour': None, 'last': last, 'best': None, 'seeds': ''})
    for group, colour in zip(groups, colours(groups), strict=True):
        last = [of_group(group, metric) for metric in metrics]
        best, seeds = of_group(group, metrics[0], best=True), max((len(each.values) for each in last if each is not None), default=0)
        rows.append({'name': group.name, 'colour': colour, 'last': last, 'best': best, 'seeds': seeds})
    drawn = [(row['name'], row['last'][0], row['colour'] or '#666666') for row in rows if row['last'][0] is not None]
    drawn = [each for each in drawn if math.isfinite(each[1].mean)]
    base = reference(groups)
    return {
        'metrics': [f'{name} (%)' if FRACTION.search(name) else name for name in metrics], 'accuracy_rows': rows, 'baseline': base.name,
        'gains': [row for group in groups if group is not base and (row := _gain_row(group, base, metrics))],
        'headline': headline(groups, metrics[0]), 'metric_figure': svg(metric_figure(drawn, metrics[0])) if len(drawn) > 1 else None}


def headline(groups: Sequence[Group], metric: str) -> str | None:
    """The sentence that the page begins with: what distillation gave; None where nothing was distilled."""
    ours = main_group(groups)
    if ours.role != DISTILLED:
        return None
    base = next((group for group in groups if group.role == ALONE and group.plain == ours.plain), None)
    if base is None:
        return 'The student alone was not trained, so what distillation gave is not known.'
    over = gain(ours, base, metric)
    if over is None:
        return None
    if not over.bounded:
        return f'Distillation: {over.mean:+.2f} points over the student alone, one seed, so without an interval (--seeds 3 gives one).'
    return f'Distillation: {over.mean:+.2f} points over the student alone (95 % interval {over.mean - over.half:+.2f} to ' \
           f'{over.mean + over.half:+.2f}, {len(over.values)} paired seeds).'


def summary(part: Mapping[str, Any]) -> str:
    """The accuracies as lines for a terminal."""
    if not part:
        return 'no validation was logged'
    metric, wide = part['metrics'][0], max(len(row['name']) for row in part['accuracy_rows'])
    lines = []
    for name, over in ((row['name'], row['last'][0]) for row in part['accuracy_rows'] if row['last'][0] is not None):
        lines.append(f'{name:<{wide}}  {over.mean:6.2f}{f" ± {over.half:.2f}" if over.bounded else ""}')
    return '\n'.join([f'{metric}, last validation, ± the 95 % interval over seeds:', *lines, *filter(None, [part['headline']])])


def _row(group: Group, colour: str) -> dict[str, Any]:
    seeds = [run.seed for run in group.runs]
    return {
        'name': group.name, 'colour': colour, 'what': _what(group),
        'seeds': ', '.join('not fixed' if seed is None else str(seed) for seed in seeds),
        'epochs': ', '.join(dict.fromkeys(_epochs(run) for run in group.runs)), 'folders': [str(run.folder) for run in group.runs]}


def _what(group: Group) -> str:
    model = group.runs[0].cfg.model if group.runs[0].cfg is not None else {}
    kind = type_name(model.get('type')) or 'not known: its config cannot be read'
    if group.role == TEACHER:
        return f'the teacher, trained itself ({kind})'
    if group.role == ALONE:
        return f'the student alone ({kind})'
    if group.role == TRAINED:
        return f'trained plainly ({kind})'
    named = model.get('losses')
    terms = named.items() if isinstance(named, dict) else ()
    losses = ', '.join(f'{name} ({type_name(each.get("type"))})' for name, each in terms if isinstance(each, dict))
    beside = losses or ', '.join(type_name(model[part].get('type')) for part in ('neck', 'head') if isinstance(model.get(part), dict))
    return f'{kind}: {beside}'


def _epochs(run: TrainedRun) -> str:
    loop = run.cfg.get('train_cfg') if run.cfg is not None else None
    asked = loop.get('max_epochs') if isinstance(loop, dict) else None
    if run.log is None:
        return f'no log of {asked}' if asked else 'no log'
    last = max((points[-1][0] for curve, points in run.log.curves.items()), default=0)
    if run.log.epoch_length:
        return f'{round(last / run.log.epoch_length)}{f" of {asked}" if asked else ""}'
    return f'{asked} asked for' if asked else f'{last:.0f} iterations'


def _gain_row(group: Group, base: Group, metrics: Sequence[str]) -> dict[str, Any] | None:
    overs = [gain(group, base, metric) for metric in metrics]
    if group.role == TEACHER or overs[0] is None:
        return None
    first = overs[0]
    if not first.bounded:
        says = 'one pair, so without an interval'
    else:
        says = 'cannot be told from 0' if abs(first.mean) <= first.half else 'more' if first.mean > 0 else 'less'
        says += f', {len(first.values)} pairs'
    return {'name': group.name, 'overs': overs, 'says': says}


def _commands(groups: Sequence[Group], places: Sequence[Path]) -> list[str]:
    lines = []
    for group in groups:
        for run in group.runs:
            if run.config_file is not None:
                lines.append(shlex.join(['mmkd', 'train', str(run.config_file), '--work-dir', f'{run.folder}_again']))
    shown = main_group(groups).shown
    if shown.config_file is not None and shown.checkpoint is not None:
        lines.append(shlex.join(['mmkd', 'test', str(shown.config_file), str(shown.checkpoint), '--work-dir', f'{shown.folder}_test']))
        lines.append(shlex.join(['mmkd', 'export', str(shown.config_file), str(shown.checkpoint), 'student.pth']))
    return [*lines, shlex.join(['mmkd', 'report', *map(str, places)])]


def _adapters(folder: Path) -> str:
    try:
        return (folder / 'adapters.txt').read_text(encoding='utf-8', errors='replace').strip()
    except OSError:
        return ''
