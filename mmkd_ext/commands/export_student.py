"""Write the plain zoo checkpoint of a training checkpoint: python tools/export_student.py CONFIG CHECKPOINT OUT [--onnx]."""

import argparse
from collections.abc import Sequence

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.config.cfg_options import OptionsAction
from mmkd_ext.errors import PreflightError
from mmkd_ext.export.export_student import export_student
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.model_config import model_config
from mmkd_ext.running.size_argument import HELP, METAVAR, pixels, with_joined_sizes


def export(argv: Sequence[str] | None = None) -> None:
    """Export, then name the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='the config that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='a training checkpoint')
    parser.add_argument('out', help='the .pth to write; its config goes beside it')
    parser.add_argument('--onnx', action='store_true', help='write ONNX too, checked with onnxruntime')
    parser.add_argument('--size', metavar=METAVAR, help=HELP)
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help='key=value changes of the config')
    args = parser.parse_args(with_joined_sizes(argv))
    try:
        size = None if args.size is None else pixels(args.size)
    except argparse.ArgumentTypeError as error:
        raise PreflightError(f'--size: {str(error).replace(repr(args.size), args.size)}.') from error
    cfg = model_config(args.config, args.cfg_options)
    for path in export_student(cfg, local_checkpoint(args.checkpoint), args.out, onnx=args.onnx, size=size):
        print(f'wrote {path} ({path.stat().st_size / 1e6:.2f} MB)')


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: export(argv))
