"""How a step's time and memory grow with students, stages, teachers, classes and batch: python tools/benchmark_growth.py.

Small networks (resnet8 taught by resnet20, 16 px, batch 64), on a CPU, in float32: about two minutes. Beside each step stand its networks
alone, one after the other, with the branches that a loss adds to the student; what is above them is the losses' and the distiller's.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch

from mmkd_ext.benchmark.growth import AXES, Growth, measure_growth
from mmkd_ext.engine.memory import keep_freed_memory
from mmkd_ext.evaluation.readme_markers import between_markers, write_between_markers
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.running.argument_types import positive, threads
from mmkd_ext.running.command_line import run_checked


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--axes', nargs='+', choices=list(AXES), default=list(AXES))
    parser.add_argument('--passes', type=positive, default=3, help='walks over an axis')
    parser.add_argument('--rounds', type=positive, default=3, help='counted rounds at each place of a walk')
    parser.add_argument('--threads', type=threads, default=1)
    parser.add_argument('--readme', type=Path, help='write the table and its command between two markers of this file')
    parser.add_argument('--marker', default='growth', help='the markers: <!-- MARKER --> and <!-- /MARKER -->')
    return parser.parse_args(argv)


def benchmark_growth(argv: Sequence[str] | None = None) -> list[Growth]:
    """Measure, print the table, and write it where it is asked for."""
    args = parse_args(argv)
    if args.readme:
        between_markers(args.readme, args.marker, '')
        check_output(args.readme, 'Look at --readme.')
    keep_freed_memory()  # as training does
    measured = [measure_growth(axis, args.passes, args.rounds, args.threads) for axis in args.axes]
    text = growth_table(measured)
    print(text)
    if args.readme:
        words = [str(word) for word in (sys.argv[1:] if argv is None else argv)]
        for flag in ('--readme', '--marker'):
            if flag in words:
                del words[words.index(flag) : words.index(flag) + 2]
        command = ' '.join(['python tools/benchmark_growth.py', *words])
        where = f'{args.threads} threads, torch {torch.__version__}, CPU seconds, medians of {args.passes * args.rounds}'
        write_between_markers(args.readme, args.marker, f'`{command}` ({where}):\n\n{text}')
    return measured


def growth_table(measured: Sequence[Growth]) -> str:
    """Markdown: for each axis the step at its ends, and what one more costs, beside its networks.

    The last columns say how far the worst place lies off a straight line, as a share of the largest value.
    """
    lines = [
        '| axis | ms at each place | its networks | peak MB | ms for one more | its networks | off a straight line | networks | memory |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for each in measured:
        (ours, off), (networks, theirs), (_, memory) = (each.line(what) for what in ('ours', 'networks', 'peaks'))
        lines.append(
            f'| {each.axis} {_joined(each.places, "d")} | {_joined([1e3 * median(x) for x in each.ours])} '
            f'| {_joined([1e3 * median(x) for x in each.networks])} | {_joined(each.peaks, ".0f")} '
            f'| {1e3 * ours:.3g} | {1e3 * networks:.3g} | {off:.1%} | {theirs:.1%} | {memory:.1%} |')
    return '\n'.join(lines)


def _joined(values: Sequence[float], form: str = '.1f') -> str:
    return ', '.join(format(value, form) for value in values)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: benchmark_growth(argv))
