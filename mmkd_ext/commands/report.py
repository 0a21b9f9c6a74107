"""Write one HTML page about runs, to be opened anywhere: python tools/report.py WORK_DIR [WORK_DIR ...] --out report.html.

A WORK_DIR is one of tools/train.py, of a study, or the --out of mmkd distill. The page has what was trained, curves, accuracies over
seeds, calibration, confusion, images on which teacher and student disagree, detections, sizes and measured speed; it links to nothing.
"""

import argparse
import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import torch

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.report.answers import Asked
from mmkd_ext.report.page import report_page
from mmkd_ext.running.argument_types import check_device, positive
from mmkd_ext.running.command_line import run_checked

LIMIT, IMAGES = 5000, 12


def report(argv: Sequence[str] | None = None) -> None:
    """Read, look, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR', help='of a training, of a study, or --out of mmkd distill')
    parser.add_argument('--out', type=Path, default=Path('report.html'), metavar='FILE', help='the page (default: report.html)')
    parser.add_argument('--images', type=positive, default=LIMIT, metavar='N',
                        help=f'run the networks on at most N validation images, evenly spaced (default: {LIMIT})')  # fmt: skip
    parser.add_argument('--pictures', type=positive, default=IMAGES, metavar='N', help=f'images to show (default: {IMAGES})')
    parser.add_argument('--no-predictions', action='store_true', help='do not run the networks: configs, curves and logged accuracies only')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where (default: a GPU, else cpu)')
    args = parser.parse_args(argv)
    if args.out.suffix.lower() not in ('.html', '.htm'):
        raise PreflightError(f'A page named .html is needed, got {args.out}. Look at --out.')
    check_output(args.out, 'Name another by --out.')
    check_device(args.device)
    asked = None if args.no_predictions else Asked(args.images, args.pictures, args.device)
    with contextlib.redirect_stdout(io.StringIO()):  # what networks and data sets say as they are built
        page, summary = report_page(args.work_dirs, asked)
    AtomicBackend().put(page.encode(), args.out)
    print(f'{summary}\nwrote {args.out}')


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: report(argv))
