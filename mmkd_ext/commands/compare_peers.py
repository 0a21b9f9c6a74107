"""Images per second of the same distillation here, in timm, in torchdistill and in a plain loop: python tools/compare_peers.py.

Whole iterations with loading and augmentation, on a CPU: each tool in a process of its own, which trains a block of iterations and then
waits while the others train theirs. The seconds are CPU seconds of the process, which other work on the machine changes least. No worker
processes, so that all that an image costs is counted; all weights are random. torchdistill is installed into an environment of its own,
in the folder that --env names.
"""

import argparse
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from statistics import median

from mmkd_ext.benchmark.peers.archive import archive_folder
from mmkd_ext.benchmark.peers.environment import machine, make_environment, versions
from mmkd_ext.benchmark.peers.loops import LOOPS
from mmkd_ext.benchmark.peers.pairs import PAIRS
from mmkd_ext.benchmark.peers.rounds import OURS, Setting, compare
from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.readme_markers import between_markers, write_between_markers
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.running.argument_types import positive, threads
from mmkd_ext.running.command_line import run_checked


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--pair', nargs='+', choices=list(PAIRS), default=list(PAIRS), help='resnet56 -> resnet20, 32 px; resnet34 -> resnet18, 224 px')
    parser.add_argument('--cifar', type=Path, default=Path(os.environ.get('MMKD_CIFAR100', 'data/cifar100')), metavar='FOLDER',
                        help="CIFAR-100's archive or class folders")
    parser.add_argument('--images', type=Path, default=Path('data/imagenette/train'), metavar='FOLDER', help='10 class folders of images')
    parser.add_argument('--env', type=Path, metavar='FOLDER', help='a virtual environment for torchdistill, made where there is none')
    parser.add_argument(
        '--ours', nargs='+', choices=list(OURS), default=list(OURS), help='as its config is, and with one more key')
    parser.add_argument('--peers', nargs='+', choices=list(LOOPS), default=list(LOOPS), help='beside ours')
    parser.add_argument('--precision', nargs='+', choices=['float32', 'bfloat16'], default=['float32', 'bfloat16'])
    parser.add_argument('--batch-size', type=positive, help="instead of each pair's own, 128 and 16")
    parser.add_argument('--iterations', type=positive, default=10, help='of a block')
    parser.add_argument('--rounds', type=positive, default=5, help='counted blocks of each')
    parser.add_argument('--threads', type=threads, default=1)
    parser.add_argument('--work-dir', type=Path, help='keep logs here')
    parser.add_argument('--out', type=Path, help='write the figures as JSON')
    parser.add_argument('--readme', type=Path, help='write the table and its command between two markers of this file')
    parser.add_argument('--marker', default='peers', help='the markers: <!-- MARKER --> and <!-- /MARKER -->')
    return parser.parse_args(argv)


def compare_peers(argv: Sequence[str] | None = None) -> list[dict]:
    """Measure and print the table; return its rows."""
    args = parse_args(argv)
    for path, flag in ((args.out, '--out'), (args.readme, '--readme')):
        if path:
            check_output(path, f'Look at {flag}.')
    if args.readme:
        between_markers(args.readme, args.marker, '')
    for pair in args.pair:
        folder, flag = (args.cifar, '--cifar') if pair == 'cifar' else (args.images, '--images')
        if not folder.is_dir():
            raise PreflightError(f'A folder of images is needed for the pair {pair}, got {folder}, which is not there. Look at {flag}.')
        classes = sum(path.is_dir() for path in folder.iterdir())
        if pair != 'cifar' and classes != PAIRS[pair].classes:
            needed = f'{PAIRS[pair].classes} class folders are needed for the pair {pair}'
            raise PreflightError(f'{needed}, got {classes} in {folder}. Look at {flag}.')
    peers = [name for name in LOOPS if name in args.peers]
    python = Path(sys.executable)
    if 'torchdistill' in peers and args.env is None:
        print('torchdistill is left out: --env FOLDER makes an environment for it.')
        peers.remove('torchdistill')
    elif 'torchdistill' in peers:
        python = make_environment(args.env.absolute())
    found, rows = versions(python), []
    with nullcontext(args.work_dir) if args.work_dir else tempfile.TemporaryDirectory() as folder:
        out = Path(folder).absolute()
        out.mkdir(parents=True, exist_ok=True)
        for pair in args.pair:
            batch = args.batch_size or PAIRS[pair].batch_size
            images = args.cifar if pair == 'cifar' else args.images
            theirs = archive_folder(images, out) if pair == 'cifar' else images
            setting = Setting(pair, images.absolute(), theirs.absolute(), batch, args.iterations, args.threads, out, python)
            for precision in args.precision:
                ours = [name for name, how in OURS.items() if name in args.ours and (precision == 'float32' or 'half_teacher' not in how)]
                measured = compare([*ours, *peers], precision, setting, args.rounds)
                rows += [dict(pair=pair, batch=batch, **asdict(rates)) for rates in measured]
                print(peers_table(rows), flush=True)
    where = f'{machine()}, {args.threads} threads; ' + ', '.join(f'{name} {version}' for name, version in found.items())
    words = _without([str(word) for word in (sys.argv[1:] if argv is None else argv)])
    text = f'`python tools/compare_peers.py {shlex.join(words)}` ({args.rounds} blocks of {args.iterations} iterations each; {where}):'
    if args.readme:
        write_between_markers(args.readme, args.marker, f'{text}\n\n{peers_table(rows)}')
    if args.out:
        AtomicBackend().put(json.dumps(dict(command=text, rows=rows), indent=1).encode(), args.out)
    return rows


def _without(words: list[str]) -> list[str]:
    """A command without its outputs, and with folders of the reader's."""
    for flag in ('--readme', '--marker', '--out', '--work-dir'):
        if flag in words:
            del words[words.index(flag) : words.index(flag) + 2]
    for flag in ('--cifar', '--images', '--env'):
        if flag in words:
            words[words.index(flag) + 1] = flag[2:].upper()
    return words


def peers_table(rows: Sequence[dict]) -> str:
    """Markdown: medians, and how many times as many images ours trains in a CPU second, the median over the rounds."""
    lines = [
        f'| pair | precision | tool | images a CPU second | images a second | {" | ".join(f"{name}, times this" for name in OURS)} |',
        '|---|---|---|---|---|---|---|---|']
    for row in rows:
        pair = PAIRS[row['pair']]
        ratios = ' | '.join(_times(rows, name, row) for name in OURS)
        lines.append(
            f'| {pair.teacher} -> {pair.student}, {pair.size} px, batch {row["batch"]} | {row["precision"]} | {row["name"]} '
            f'| {median(row["cpu"]):.1f} | {median(row["wall"]):.1f} | {ratios} |')
    return '\n'.join(lines)


def _times(rows: Sequence[dict], name: str, row: dict) -> str:
    """How many times as many images the tool of a name trains as the one of a row, of the same pair and precision."""
    found = [each['cpu'] for each in rows if (each['name'], each['pair'], each['precision']) == (name, row['pair'], row['precision'])]
    if not found or row['name'] == name:
        return '-'
    return f'{median(a / b for a, b in zip(found[0], row["cpu"], strict=True)):.2f}'


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: compare_peers(argv))
