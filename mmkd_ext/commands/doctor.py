"""Look at a run before it starts, on a few batches: teacher, losses, gradients, data, cost: python tools/doctor.py CONFIG.

Exit code 0, 1 where something is WRONG, 2 for a config whose run would not start. Nothing is written but --out.
"""

import argparse
import contextlib
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.visualization import Visualizer

from mmkd_ext.commands import train
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.doctor.examine import examine
from mmkd_ext.doctor.rows import WRONG, Row, table
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.running.argument_types import check_device, positive
from mmkd_ext.running.command_line import run_checked


def doctor(argv: Sequence[str] | None = None) -> list[Row]:
    """Examine, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a training')
    parser.add_argument('--batches', type=positive, default=4, help='training batches to look at (default: 4)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where (default: a GPU, else cpu)')
    parser.add_argument('--amp', action='store_true', help='as tools/train.py --amp')
    parser.add_argument('--out', type=Path, metavar='FILE', help='write the findings with their figures as JSON, too')
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes of the config')
    args = parser.parse_args(argv)
    check_device(args.device)
    if args.out is not None:
        check_output(args.out, 'Look at --out.')
    with tempfile.TemporaryDirectory(prefix='mmkd_doctor_') as folder:
        flags = train.parse_args([args.config, '--work-dir', str(Path(folder) / 'run'), *(['--amp'] if args.amp else [])])
        flags.cfg_options = args.cfg_options
        with contextlib.redirect_stdout(io.StringIO()):  # what a run logs as it is built
            cfg = train.make_config(flags)
            train.choose_start(cfg)
            cfg.experiment_name = Path(folder).name  # mmengine keeps a run's writer by its name and second, and this folder goes
            try:
                rows = examine(cfg, args.batches, args.device)
            finally:
                _close_writers(cfg.experiment_name)
    print(f'{args.config}, {args.batches} training batches on {args.device}')
    print(table(rows))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        found = [row._asdict() for row in rows]
        args.out.write_text(json.dumps({'config': args.config, 'batches': args.batches, 'device': args.device, 'rows': found}, indent=2))
    return rows


def _close_writers(name: str) -> None:
    """End the threads that write what a run draws: its folder goes away."""
    for each in [each for each in Visualizer._instance_dict if each.startswith(name)]:
        Visualizer._instance_dict.pop(each).close()


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, 1 where a row is WRONG, or 2 after an error that one sentence explains."""
    rows: list[Row] = []
    return run_checked(lambda: rows.extend(doctor(argv))) or int(any(row.status == WRONG for row in rows))
