"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT. The flags are those of mmpretrain's and mmdet's test.py.

An exported ensemble, whose config names the checkpoints of its networks, is tested without CHECKPOINT.
"""

import argparse
import copy
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.hooks import EMAHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import check_weights, weights_of
from mmkd_ext.config.named_types import type_name
from mmkd_ext.config.top_level import check_needed
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.models.plain_config import distils, plain_model
from mmkd_ext.preflight.check_run import check_test
from mmkd_ext.preflight.written_places import check_places
from mmkd_ext.running.argument_types import finite, positive
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.launch import (
    add_common_arguments,
    build_runner,
    common_config,
    finish_config,
    join_processes,
    leave_processes,
)

_NEEDS = ('test_cfg', 'test_dataloader', 'test_evaluator')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description='Test (and evaluate) a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file or URL; none for an ensemble of files')
    parser.add_argument('--out', help='file for the predictions or metrics (.pkl; metrics also .json or .yaml)')
    parser.add_argument('--out-item', choices=['metrics', 'pred'], help='what --out holds (default: pred)')
    parser.add_argument('--show-dir', help='folder for images with their predictions')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--interval', type=positive, default=1, help="show every n-th sample (a detector's: all)")
    parser.add_argument('--wait-time', type=finite, default=2, help='seconds per window')
    parser.add_argument('--tta', action='store_true', help="test-time augmentation: the config's, or else a flip")
    add_common_arguments(parser)
    return parser.parse_args(argv)


def make_config(args: argparse.Namespace) -> Config:
    """The config with the flags applied."""
    if args.out_item is not None and args.out is None:
        raise PreflightError(f'--out-item {args.out_item} needs --out FILE, got none: name the file to write.')
    if args.out is not None:
        _check_out(args.out, args.out_item)
    cfg = common_config(args, _NEEDS)
    if args.checkpoint is None:
        _check_networks(cfg, args.config)
    cfg.load_from, cfg.resume = None if args.checkpoint is None else local_checkpoint(args.checkpoint), False
    if args.amp:
        cfg.test_cfg.fp16 = True
    if args.show or args.show_dir is not None:
        if 'visualization' not in cfg.get('default_hooks', {}):
            raise PreflightError(
                "--show needs default_hooks.visualization = dict(type='VisualizationHook'), got none: "
                f'look at {args.config}.'
            )
        cfg.default_hooks.visualization.update(_drawing(cfg, args))
        if args.show_dir is not None:
            check_output(Path(args.show_dir) / 'image.png', 'Name another folder by --show-dir.')
    finish_config(cfg, args)
    check_needed(cfg, _NEEDS, f'{args.config} and --cfg-options')
    if _gives_nothing(cfg.test_evaluator) and not (args.show or args.show_dir or (args.out and args.out_item != 'metrics')):
        raise PreflightError(
            f'An evaluator that gives a number is needed, got test_evaluator={cfg.test_evaluator!r}: look at {args.config} and '
            '--cfg-options; without one, predictions can be written by --out or drawn by --show-dir.')
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    if distils(cfg.model):  # the student predicts alone; its teacher may be on another machine
        cfg.model = plain_model(cfg.model)
    if args.tta:
        _augment(cfg)
    _leave_weights(cfg)
    return cfg


def _gives_nothing(evaluator: Any) -> bool:
    """Whether it has no metric: `[]`, `{}`, `dict(type='Evaluator', metrics=[])`."""
    return not (evaluator.get('metrics', evaluator) if isinstance(evaluator, Mapping) else evaluator)


def _drawing(cfg: Config, args: argparse.Namespace) -> dict[str, Any]:
    """What the hook that draws predictions is told, in the words of mmdet's, of mmseg's or of mmpretrain's."""
    common = dict(show=args.show, wait_time=args.wait_time, interval=args.interval)
    kind = type_name(cfg.default_hooks.visualization.get('type'))
    if kind == 'DetVisualizationHook':  # which draws every image of a test, read from its file
        return dict(draw=True, test_out_dir=args.show_dir and os.path.abspath(args.show_dir), **common)
    if kind == 'SegVisualizationHook':  # whose pictures the visualizer puts into its folder
        if args.show_dir:
            cfg.visualizer.save_dir = args.show_dir
        return dict(draw=True, **common)
    several = dict(type='mmkd_ext.ViewsVisualizationHook') if args.tta and kind == 'VisualizationHook' else {}
    return dict(enable=True, out_dir=args.show_dir, **several, **common)


def _leave_weights(cfg: Config) -> None:
    """Leave out the hooks that put other weights in a model's place: what a checkpoint holds as `state_dict` is the average already."""

    def swaps(hook: Any) -> bool:
        kind = hook.get('type') if isinstance(hook, Mapping) else type(hook)
        if isinstance(kind, str):
            with HOOKS.switch_scope_and_registry(cfg.get('default_scope')) as registry:
                kind = registry.get(kind)
        return isinstance(kind, type) and issubclass(kind, EMAHook)

    cfg.custom_hooks = [hook for hook in cfg.get('custom_hooks') or [] if not swaps(hook)]
    for name in [name for name, hook in (cfg.get('default_hooks') or {}).items() if hook and swaps(hook)]:
        cfg.default_hooks.pop(name)


def _check_networks(cfg: Config, path: str) -> None:
    """Whether a model names its weights itself."""
    networks = cfg.model.get('networks') or {}
    files = [network.get('checkpoint') if isinstance(network, dict) else None for network in networks.values()]
    if not files or None in files:
        raise PreflightError(
            f'tools/test.py needs CONFIG and CHECKPOINT, got only {path}; without CHECKPOINT goes an exported ensemble, each of whose '
            'networks names its own.')


def _check_out(out: str, item: str | None) -> None:
    endings = ('.pkl', '.pickle', '.json', '.yaml', '.yml') if item == 'metrics' else ('.pkl', '.pickle')
    if not out.endswith(endings):
        raise PreflightError(
            f'--out needs a file that ends in {" or ".join(endings)} for --out-item {item or "pred"}, got {out}: '
            'predictions are pickled, metrics may also be JSON or YAML.'
        )
    check_output(out, 'Name another by --out.')


def _augment(cfg: Config) -> None:
    """Merge the predictions over the config's `tta_pipeline`, or over an image and its mirror image."""
    pipeline = cfg.test_dataloader.get('dataset', {}).get('pipeline')
    if not pipeline:
        raise PreflightError('--tta needs test_dataloader.dataset.pipeline with transforms, got none: look at the config.')
    pack = copy.deepcopy(pipeline[-1])
    if cfg.get('default_scope') == 'mmdet':
        merged: dict[str, Any] = dict(type='DetTTAModel', tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100))
        kept = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'flip_direction')
        pack['meta_keys'] = tuple(dict.fromkeys((*pack.get('meta_keys', ()), *kept)))
    elif cfg.get('default_scope') == 'mmseg':
        merged = dict(type='SegTTAModel')
    else:
        merged = dict(type='mmpretrain.AverageClsScoreTTA')
    views = [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)]  # mmdet draws and packs the truth of the first
    flip = dict(type='TestTimeAug', transforms=[views, [pack]])
    cfg.test_dataloader.dataset.pop('by_batch', None)  # several views of an image are made one by one
    cfg.test_dataloader.dataset.pipeline = cfg.get('tta_pipeline') or [*copy.deepcopy(pipeline[:-1]), flip]
    cfg.model = ConfigDict(**(cfg.get('tta_model') or merged), module=cfg.model)


def _helper(cfg: Config) -> Callable[[str], bool]:
    """Whether a key belongs to what only exists while training, unless it is tested too."""
    model = cfg.model.get('module', cfg.model)
    neck = model.get('neck') or {}
    if isinstance(neck, list) or neck.get('eval_students') or 'TESKD' not in str(neck.get('type')):
        return lambda key: False
    return lambda key: key.startswith(('neck.', 'head.students.'))


def print_metrics(metrics: dict[str, Any]) -> None:
    """A table of names and numbers."""
    rows = {name: f'{value:.4f}' if isinstance(value, float) else str(value) for name, value in metrics.items()}
    wide = max(map(len, [*rows, 'metric']))
    print(f'\n{"metric":<{wide}}  value\n{"-" * wide}  -----')
    for name, value in rows.items():
        print(f'{name:<{wide}}  {value}')


def test(argv: Sequence[str] | None = None) -> None:
    """Check, then test."""
    args = parse_args(argv)
    cfg = make_config(args)
    checkpoint = read_checkpoint(cfg.load_from) if cfg.load_from else None
    if checkpoint is not None:
        weights_of(checkpoint, cfg.load_from)
    join_processes(cfg)
    check_places(cfg, ('test',))
    runner = build_runner(cfg)
    if isinstance(runner, Runner):
        check_test(runner)
        if checkpoint is not None:
            check_weights(runner.model, checkpoint, cfg.load_from, optional=_helper(cfg))
    if args.out and args.out_item != 'metrics':
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=args.out))
    metrics = runner.test()
    if is_main_process():
        if args.out and args.out_item == 'metrics':
            mmengine.dump(metrics, args.out)
        if metrics:  # of a test that only dumps or draws there are none
            print_metrics(metrics)
    leave_processes()


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: test(argv))
