"""What a study found, as a table and as a picture."""

import statistics

from matplotlib.figure import Figure


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
