"""Compare a config's training step with its plain network's, and show what is deployed: python tools/benchmark.py CONFIG.

The networks take turns in one run on random images, forward and backward, so that their ratio holds on a noisy machine. A distiller with
frozen teachers is compared with the sum of the student's step alone (with its branches, where a loss has any) and the teachers' forward
passes alone, a detector's at the regions that the student samples; all weights are random.
"""

import argparse
import copy
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmkd_ext.benchmark.detectors import DetectorAlone
from mmkd_ext.benchmark.loop import compare_loop
from mmkd_ext.benchmark.mutual import mutual_parts
from mmkd_ext.benchmark.options import PLAIN, compare_options
from mmkd_ext.benchmark.steps import compare_steps, deployed_size
from mmkd_ext.benchmark.sum_of_parts import TeacherAlone, class_means_cost, distiller_parts, sum_of
from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.engine.memory import keep_freed_memory
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.readme_markers import between_markers, write_between_markers
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.build import build_model, deployed
from mmkd_ext.models.necks import TESKDNeck
from mmkd_ext.models.outputs.kinds.known import kind_of
from mmkd_ext.registry import MODELS
from mmkd_ext.running.argument_types import check_device, positive, threads
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.model_config import model_config
from mmkd_ext.running.size_argument import HELP, METAVAR, pixels, with_joined_sizes
from mmkd_ext.running.witness import load_witness


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('--batch-size', type=positive, default=64)
    parser.add_argument('--size', type=pixels, metavar=METAVAR, help=HELP)
    parser.add_argument('--rounds', type=positive, default=5, help='counted rounds')
    parser.add_argument('--threads', type=threads, default=torch.get_num_threads())
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--precision', nargs='+', choices=['float32', 'bfloat16'], default=['float32', 'bfloat16'])
    parser.add_argument(
        '--witness',
        metavar='FILE.py:FUNCTION',
        help='another implementation to compare with: FUNCTION(config) returns a model, as build_witness in '
        'tests/witnesses/naive_teskd.py',
    )
    parser.add_argument('--compile', action='store_true', help='also a distiller whose teachers are compiled')
    parser.add_argument('--class-means', action='store_true', help='time class means against a bare teacher pass instead')
    parser.add_argument('--loop', action='store_true', help="time the run's iterations beside its model's bare step instead")
    parser.add_argument(
        '--options', action='store_true', help="time the model's bare step with each option that makes it faster instead; with --compile "
        "torch.compile's too")
    parser.add_argument('--iterations', type=positive, default=20, help='of --loop and --options, in a block')
    parser.add_argument('--cpu-time', action='store_true', help='seconds of this process, which the machine\'s other work leaves alone')
    parser.add_argument('--out', type=Path, help='write the figures as JSON')
    parser.add_argument('--readme', type=Path, help='write the table and its command between two markers of this file')
    parser.add_argument('--marker', default='benchmark', help='the markers: <!-- MARKER --> and <!-- /MARKER -->')
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes of the config')
    return parser.parse_args(with_joined_sizes(argv))


def benchmark(argv: Sequence[str] | None = None) -> list[dict]:
    """Measure and print two tables; return the rows."""
    args = parse_args(argv)
    keep_freed_memory()  # as training does
    if args.cpu_time and args.device.partition(':')[0] != 'cpu':
        raise PreflightError(f'--cpu-time needs --device cpu, got {args.device}, whose work it does not count.')
    check_device(args.device)
    if args.out:
        check_output(args.out, 'Look at --out.')
    if args.readme:
        between_markers(args.readme, args.marker, '')
        check_output(args.readme, 'Look at --readme.')
    cfg = model_config(args.config, args.cfg_options)
    if args.class_means:
        timings = class_means_cost(cfg, args.rounds, args.threads)
        rows = [dict(network=t.name, precision='float32', seconds=t.median, all=t.seconds, peak_mb=0.0) for t in timings]
        return report(args, argv, rows, timings[0].name, f'{args.threads} threads, torch {torch.__version__}')
    if args.loop:
        return loop(args, argv, cfg)
    if args.options:
        torch.set_num_threads(args.threads)
        timings = compare_options(cfg, args.iterations, args.rounds, args.precision, args.compile)
        rows = [dict(network=t.name, precision=t.precision, seconds=t.median, all=t.seconds, peak_mb=0.0) for t in timings]
        where = f'{args.iterations} iterations a block, {args.threads} threads, torch {torch.__version__}, CPU time'
        return report(args, argv, rows, PLAIN, where)
    torch.manual_seed(0)
    shipped = deployed(cfg, args.size)
    plain, shape = shipped.config, shipped.input_shape
    parts: list[str] = []  # whose times are added up
    if hasattr(MODELS.get(cfg.model.type), 'plain_network'):
        models = mutual_parts(cfg)
        parts = [name for name in models if name != 'ours']
    elif 'teacher' in cfg.model and hasattr(MODELS.get(cfg.model.type), 'teacher_name_of'):
        models = distiller_parts(cfg, args.compile)
        parts = ['student with branches' if 'student with branches' in models else 'student']
    else:
        models = {'plain': shipped.network, 'ours': build_model(cfg)}
        if isinstance(getattr(models['ours'], 'neck', None), TESKDNeck):
            half = copy.deepcopy(cfg)
            half.model.neck.precision = 'bf16'
            models['ours, bf16 students'] = build_model(half)
    teachers = [name for name, part in models.items() if isinstance(part, TeacherAlone | DetectorAlone)]
    reference = 'sum' if parts else 'plain'
    if args.witness:
        models['witness'] = witness_of(args.witness, cfg)
        reference = 'witness'
    side = f'{shape[1]} x {shape[2]}' if shape[1] != shape[2] else shape[1]
    kind = ', CPU time' if args.cpu_time else ''
    where = f'batch {args.batch_size}, {side} px, {args.device}, {args.threads} threads, torch {torch.__version__}{kind}'
    print(f'{args.config}: {where}')
    print('deployed (eval mode)    parameters    multiply-adds')
    for name, model in models.items():
        if name in teachers:
            continue
        parameters, flops = deployed_size(model, shape)
        print(f'{name:22}  {parameters:10,}  {flops:15,}')
    images = torch.randn(args.batch_size, *shape).to(args.device)
    for model in models.values():
        model.to(args.device)
    trained = next(part for name, part in models.items() if name not in teachers)
    reader = kind_of(trained)(getattr(trained, 'student', trained))
    targets: Any = reader.example_samples(images, getattr(models['ours'], 'num_classes', num_classes(plain)))
    clock = time.process_time if args.cpu_time else time.perf_counter
    timings = compare_steps(models, images, targets, args.precision, args.rounds, args.threads, clock)
    if parts:
        timings += [sum_of(timings, list(dict.fromkeys([*parts, *teachers])), precision) for precision in args.precision]
    rows = [
        dict(network=t.name, precision=t.precision, seconds=t.median, all=t.seconds, peak_mb=t.peak_mb) for t in timings
    ]
    return report(args, argv, rows, reference, where)


def witness_of(spec: str, cfg: Config) -> torch.nn.Module:
    """The model that another implementation makes of the config."""
    model = load_witness(spec)(cfg)
    if not isinstance(model, torch.nn.Module):
        raise PreflightError(f'--witness needs a function that returns a model, got {type(model).__name__} from {spec}.')
    return model


def loop(args: argparse.Namespace, argv: Sequence[str] | None, cfg: Config) -> list[dict]:
    """Compare a run's iterations with the faster of its model's bare steps."""
    torch.set_num_threads(args.threads)
    timings = compare_loop(cfg, args.iterations, args.rounds, args.cpu_time)
    best = min(timings[1:], key=lambda timing: timing.median)
    rows = [dict(network=t.name, precision=t.precision, seconds=t.median, all=t.seconds, peak_mb=0.0) for t in timings]
    kind = 'CPU time' if args.cpu_time else 'wall time'
    where = f'{args.iterations} iterations a block, {args.threads} threads, torch {torch.__version__}, {kind}'
    return report(args, argv, rows, best.name, where)


def report(
    args: argparse.Namespace, argv: Sequence[str] | None, rows: list[dict], reference: str, where: str
) -> list[dict]:
    """Print the table, and write it where it is asked for."""
    text = steps_table(rows, reference)
    print(text)
    if args.readme:
        words = [str(word) for word in (sys.argv[1:] if argv is None else argv)]
        for flag in ('--readme', '--marker'):
            if flag in words:
                del words[words.index(flag) : words.index(flag) + 2]
        command = f'python tools/benchmark.py {" ".join(words)}'
        write_between_markers(args.readme, args.marker, f'`{command}` ({where}, {args.rounds} rounds):\n\n{text}')
    if args.out:
        AtomicBackend().put(json.dumps(rows, indent=1).encode(), args.out)
    return rows


def num_classes(plain: Config) -> int:
    """Classes of the plain network's labels."""
    return (plain.model.get('head') or plain.model).get('num_classes', 10)


def steps_table(rows: list[dict], reference: str) -> str:
    """Markdown: seconds and memory of each network, and what they are of the reference's."""
    by_key = {(row['network'], row['precision']): row for row in rows}
    lines = [
        f'| training step | precision | median s | x {reference} | x {reference} in float32 | peak MB | x {reference} |',
        '|---|---|---|---|---|---|---|',
    ]
    for row in rows:
        same = by_key[reference, row['precision']]
        # Below this the step reuses what the process has: nothing to compare.
        memory = f'{row["peak_mb"] / same["peak_mb"]:.2f}' if same['peak_mb'] > 64 else '-'
        full = by_key.get((reference, 'float32'), {}).get('seconds', float('nan'))
        lines.append(
            f'| {row["network"]} | {row["precision"]} | {row["seconds"]:.3f} | {row["seconds"] / same["seconds"]:.2f} '
            f'| {row["seconds"] / full:.2f} | {row["peak_mb"]:.0f} | {memory} |'
        )
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: benchmark(argv))
