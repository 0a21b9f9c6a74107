"""A study's results as a table (mean, deviation, paired differences) and as a picture."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import product

from matplotlib.figure import Figure
from scipy.stats import t as student_t

from .study_plan import baselines


def table(results: dict, metric: str, scale: float = 1.0) -> str:
    """Markdown: mean and standard deviation over seeds, of the last and of the best epoch; other columns of the last."""
    also = list(next(iter(results.values()))[0].get('also', {}))
    unit = ' in percent' if scale == 100 else ''
    columns = [f'{metric}{unit}, last epoch', f'{metric}{unit}, best epoch', *(f'{name}, last epoch' for name in also)]
    rows = [f'| variant | {" | ".join(columns)} | seeds | s per run |', '|---' * (len(columns) + 3) + '|']
    for name, runs in results.items():
        values = [[run[key] for run in runs] for key in ('last', 'best')] + [[run['also'][key] for run in runs] for key in also]
        cells = ' | '.join(_mean([scale * x for x in column]) for column in values)
        rows.append(f'| {name} | {cells} | {len(runs)} | {statistics.mean(run["seconds"] for run in runs):.0f} |')
    return '\n'.join(rows)


def mean_and_half(values: Sequence[float]) -> tuple[float, float]:
    """Mean of one number or more, and half of its 95 % interval (Student's t; infinite for one number).

    Example:
        >>> mean_and_half([1.0, 1.0, 1.0])
        (1.0, 0.0)
    """
    if len(values) == 1:
        return values[0], math.inf
    return statistics.mean(values), float(student_t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Mean of the differences of pairs, and half of its 95 % interval (Student's t; infinite for one pair).

    Raises:
        ValueError: Not as many numbers on both sides, or none.

    Example:
        >>> paired_difference([70.0, 72.0, 71.0], [69.0, 71.0, 70.0])
        (1.0, 0.0)
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f'paired_difference needs as many numbers on both sides, got {len(ours)} and {len(theirs)}.')
    return mean_and_half([a - b for a, b in zip(ours, theirs, strict=True)])


def differences_table(results: dict, pairs: Mapping[str, str | Sequence[str]], scale: float = 1.0) -> str:
    """Markdown: each variant's last epoch less its baseline's, over the seeds that both have; then the same of the other columns.

    Args:
        results: Variant -> runs, each with `seed` and `last`, and `also` where the study has other columns.
        pairs: Variant -> its baseline, or several.
        scale: Factor on all numbers.
    """
    rows = ['| variant - baseline | mean difference, last epoch | 95 % interval | apart from 0 | pairs |', '|---' * 5 + '|']
    columns = [None, *next(iter(results.values()))[0].get('also', {})]
    for column, (name, baseline) in product(columns, [(name, each) for name, named in pairs.items() for each in baselines(named)]):
        both = [
            {run['seed']: scale * (run['last'] if column is None else run['also'][column]) for run in results[each]}
            for each in (name, baseline)]
        seeds = sorted(set(both[0]) & set(both[1]))
        mean, half = paired_difference([both[0][seed] for seed in seeds], [both[1][seed] for seed in seeds])
        apart = 'yes' if abs(mean) > half else 'no'
        label = f'{name} - {baseline}' if column is None else f'{name} - {baseline}: {column}'
        rows.append(f'| {label} | {mean:+.2f} | {mean - half:+.2f} to {mean + half:+.2f} | {apart} | {len(seeds)} |')
    return '\n'.join(rows)


def picture(results: dict, metric: str, scale: float = 1.0) -> Figure:
    """Bars of the last epoch: mean and standard deviation over seeds, and a point for each."""
    figure = Figure(figsize=(8, 1.2 + 0.42 * len(results)), layout='constrained')
    axes = figure.add_subplot()
    names = list(results)[::-1]  # the first on top
    last = [[scale * run['last'] for run in results[name]] for name in names]
    everything = [value for values in last for value in values]
    low, high = min(everything), max(everything)
    margin = 0.15 * (high - low) or 1.0
    for i, values in enumerate(last):
        mean = statistics.mean(values)
        deviation = statistics.stdev(values) if len(values) > 1 else None
        axes.barh(i, mean, xerr=deviation, color='#56B4E9', capsize=3, height=0.65)
        axes.plot(values, [i] * len(values), 'o', color='0.2', markersize=3, alpha=0.7)
        axes.annotate(_mean(values), (1.01, i), xycoords=('axes fraction', 'data'), va='center', fontsize=9)
    axes.set_xlim(low - 2 * margin, high + margin)
    axes.set_yticks(range(len(names)), names)
    seeds = max(map(len, last))
    axes.set_xlabel(f'{metric}, last epoch, mean ± deviation of {seeds} seed{"s" * (seeds > 1)} (axis does not start at 0)')
    axes.spines[['top', 'right']].set_visible(False)
    return figure


def _mean(values: list[float]) -> str:
    # One run says nothing about its deviation.
    deviation = f' ± {statistics.stdev(values):.2f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.2f}{deviation}'
