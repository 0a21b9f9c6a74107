"""The page that a journey ends with: accuracies, differences over the seeds, sizes, and the commands that repeat it."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mmkd_ext.evaluation.study_table import paired_difference

from .step_configs import Step


def report_page(
    command: str, steps: Sequence[Step], accuracies: Mapping[str, float], sizes: Mapping[str, int], files: Sequence[Any],
    remarks: Sequence[str],
) -> str:
    """Markdown.

    Args:
        command: The line that made it.
        steps: The trainings.
        accuracies: Step -> accuracy in percent on the validation images, of the last epoch.
        sizes: 'teacher' and 'student' -> parameters.
        files: Paths that are shipped.
        remarks: Sentences: settings and warnings.
    """
    rows = ['| network | accuracy % | seeds | parameters |', '|---|---|---|---|']
    by_kind = {kind: [accuracies[s.name] for s in steps if s.kind == kind and s.name in accuracies] for kind in ('alone', 'distil')}
    if 'teacher' in accuracies:
        rows.append(f'| teacher | {accuracies["teacher"]:.2f} | 1 | {sizes["teacher"]:,} |')
    for kind, label in (('alone', 'student alone'), ('distil', 'student distilled')):
        if by_kind[kind]:
            rows.append(f'| {label} | {_mean(by_kind[kind])} | {len(by_kind[kind])} | {sizes["student"]:,} |')
    lines = ['# What was distilled', '', f'`{command}`', '', *rows, '', _difference(by_kind), '']
    lines += ['Accuracies are of the last epoch on the validation images, which chose nothing.', '', '## Shipped', '']
    lines += [f'- `{path.name}` ({path.stat().st_size / 1e6:.2f} MB)' for path in files]
    lines += ['', '## Settings', '', *(f'- {each}' for each in remarks)]
    lines += ['', '## To repeat a step', '', '```bash', *(f'mmkd train {step.config}' for step in steps)]
    lines += [f'mmkd test {step.config} {step.work_dir}/epoch_N.pth' for step in steps[-1:]]
    lines += [f'mmkd export {steps[-1].config} {steps[-1].work_dir}/epoch_N.pth student.pth', '```', '']
    return '\n'.join(lines)


def _mean(values: Sequence[float]) -> str:
    return f'{statistics.mean(values):.2f}' + (f' ± {statistics.stdev(values):.2f}' if len(values) > 1 else '')


def _difference(by_kind: Mapping[str, Sequence[float]]) -> str:
    if not by_kind['alone'] or len(by_kind['alone']) != len(by_kind['distil']):
        return 'The student alone was not trained, so what distillation gave is not known.'
    mean, half = paired_difference(by_kind['distil'], by_kind['alone'])
    if math.isinf(half):
        return f'Distillation: {mean:+.2f} points over the student alone, one seed, so without an interval (`--seeds 3` gives one).'
    return f'Distillation: {mean:+.2f} points over the student alone (95 % interval {mean - half:+.2f} to {mean + half:+.2f}, ' \
           f'{len(by_kind["alone"])} paired seeds).'
