"""Launching: the flags of mmpretrain's and mmdet's tools, defaults of data loaders, process groups, and the Runner."""

import argparse
import datetime
import inspect
import os
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import barrier, is_distributed, is_main_process
from mmengine.logging import print_log
from mmengine.registry import MODELS, RUNNERS
from mmengine.runner import Runner

import mmkd_ext.checkpoints.mmengine_loaders  # noqa: F401  # registers
from mmkd_ext.config.cfg_options import OptionsAction, merge_options
from mmkd_ext.config.formatted_once import formatted_once
from mmkd_ext.config.load_config import load_config
from mmkd_ext.config.named_types import type_name
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.writable_places import check_work_dir
from mmkd_ext.models.config_from_data import tell_channel_order, tell_class_names, tell_image_size

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_PLAIN = (str, int, float)  # what can be no part that is built; in a config of objects a part may be one
_STARTS: set[str] = set()  # of this process's runs, as mmengine writes them
_DICTS = (
    'model', 'train_cfg', 'val_cfg', 'test_cfg', 'optim_wrapper', 'default_hooks', 'env_cfg', 'model_wrapper_cfg', 'tta_model', *_LOADERS)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that train.py and test.py of mmpretrain and mmdet have in common."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/<name of the config>)')
    parser.add_argument('--amp', action='store_true', help='mixed precision; bfloat16 where there is no GPU')
    parser.add_argument('--no-pin-memory', action='store_true', help='do not pin the loaded batches')
    parser.add_argument(
        '--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help="settings that replace the config's"
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='who starts the processes'
    )
    # torch.distributed.launch passes one or the other spelling, torchrun sets the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by the launcher')


def common_config(args: argparse.Namespace, needs: Sequence[str]) -> Config:
    """The config, which must have the keys `needs`, with the common flags applied."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config)
    check_needed(cfg, needs, args.config)
    _check_kinds(cfg, args.config)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    return cfg


def check_needed(cfg: Config, needs: Sequence[str], path: str) -> None:
    """Whether a config has a model and the keys `needs`; to be asked again after `--cfg-options`.

    Raises:
        PreflightError: One is missing or None.
    """
    missing = [key for key in ('model', *needs) if cfg.get(key) is None]
    if missing:
        raise PreflightError(
            f'A config with {", ".join(("model", *needs))} is needed, got one without {", ".join(missing)}: look at {path}.')


def finish_config(cfg: Config, args: argparse.Namespace) -> None:
    """Fill in what the loaders lack, then apply `--cfg-options`."""
    for name in _LOADERS:
        loader = cfg.get(name)
        if loader is None:
            continue
        if (
            cfg.get('default_scope') == 'mmpretrain'
        ):  # its preprocessor takes stacked batches, the other scopes' take lists
            loader.setdefault('collate_fn', dict(type='default_collate'))
        loader.setdefault('pin_memory', torch.cuda.is_available())
        # Workers that end with the epoch: persistent ones carry random state that no checkpoint holds.
        loader.setdefault('persistent_workers', False)
        if args.no_pin_memory:
            loader.pin_memory = False
    merge_options(cfg, args.cfg_options, args.config)
    _check_kinds(cfg, args.config)
    _check_loops(cfg, args.config)
    check_work_dir(cfg.work_dir)


def _check_kinds(cfg: Config, path: str) -> None:
    """Check the types of the parts that the command lines read before the Runner does."""
    for key in _DICTS:
        value = cfg.get(key)
        if value is not None and not isinstance(value, dict):
            raise PreflightError(
                f'A dict is needed as {key}, got {value!r} of type {type(value).__name__}: look at {path} or --cfg-options.'
            )
    scope = cfg.get('default_scope')
    if scope is not None and (not isinstance(scope, str) or not (scope in MODELS.children or find_spec(scope))):
        raise PreflightError(f"A package such as 'mmpretrain' or 'mmdet' is needed as default_scope, got {scope!r}: look at {path}.")
    folder = ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('out_dir')
    if folder is not None and not isinstance(folder, str | Path):
        raise PreflightError(f'A folder is needed as out_dir of the CheckpointHook, got {folder!r}: look at {path} or --cfg-options.')
    parts = {f'{name}.{part}': (cfg.get(name) or {}).get(part) for name in _LOADERS for part in ('dataset', 'sampler', 'batch_sampler')}
    parts.update({f'{name}_evaluator': cfg.get(f'{name}_evaluator') for name in ('val', 'test')})
    for key, value in parts.items():
        if isinstance(value, _PLAIN):
            raise PreflightError(f'A dict with a `type` is needed as {key}, got {value!r}: look at {path} or --cfg-options.')
    for key, value in parts.items():
        several = key.endswith('_evaluator')
        if isinstance(value, list | tuple) and (not several or any(isinstance(each, _PLAIN) for each in value)):
            needed = 'A list of dicts, each with a `type`,' if several else 'A dict with a `type`'
            raise PreflightError(f'{needed} is needed as {key}, got {value!r}: look at {path} or --cfg-options.')


def _check_loops(cfg: Mapping[str, Any], path: str) -> None:
    """What the runner asks of validation and test, whose own sentence quotes whole configs."""
    for name in ('val', 'test'):
        keys = [f'{name}_dataloader', f'{name}_cfg', f'{name}_evaluator']
        missing = [key for key in keys if cfg.get(key) is None]
        if 0 < len(missing) < len(keys):
            raise PreflightError(
                f'{keys[0]}, {keys[1]} and {keys[2]} are needed, all or none of them, got no {" and no ".join(missing)}: look at {path} or '
                '--cfg-options.')


def join_processes(cfg: Config) -> None:
    """On machines without a GPU, form the gloo group that mmengine's own start-up cannot (it sets a CUDA device).

    With GPUs this is left to the runner.
    """
    if cfg.launcher == 'none' or torch.cuda.is_available() or is_distributed():
        return
    missing = [name for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT') if name not in os.environ]
    if cfg.launcher != 'pytorch' or missing:
        raise PreflightError(
            f'--launcher {cfg.launcher} needs GPUs or, with gloo on CPUs, a start by tools/dist_train.sh or torchrun; '
            f'got no GPU and no {", ".join(missing) or "torchrun"} in the environment.'
        )
    seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
    torch.distributed.init_process_group('gloo', timeout=datetime.timedelta(seconds=seconds))
    cfg.model_wrapper_cfg = cpu_wrapper(cfg)
    print_log(f'{torch.distributed.get_world_size()} processes over gloo, since there is no GPU.', 'current')


def leave_processes() -> None:
    """Leave the group when all are done: its threads, still there when the interpreter ends, now and then abort the process."""
    if is_distributed():
        barrier()
        torch.distributed.destroy_process_group()


def cpu_wrapper(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """The config's model wrapper, or mmengine's default one, without the CUDA device that mmengine adds."""
    # mmengine's choice for buffers, by the name that this torch does not deprecate.
    names = inspect.signature(torch.nn.parallel.DistributedDataParallel).parameters
    buffers = 'forward_sync_buffers' if 'forward_sync_buffers' in names else 'broadcast_buffers'
    default = {buffers: False, 'find_unused_parameters': cfg.get('find_unused_parameters', False)}
    return {'type': 'MMDistributedDataParallel', **(cfg.get('model_wrapper_cfg') or default), 'device_ids': None}


def mixed_precision_without_gpu(cfg: Config) -> None:
    """Take bfloat16 autocast for mmengine's AmpOptimWrapper where there is no GPU, in place."""
    if type_name(cfg.optim_wrapper.get('type')) == 'AmpOptimWrapper' and not torch.cuda.is_available():
        print_log('AmpOptimWrapper needs a GPU: training with bfloat16 autocast on the CPU instead.', 'current')
        cfg.optim_wrapper.type = 'mmkd_ext.CPUAmpOptimWrapper'
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            cfg.optim_wrapper.pop(key, None)


def build_runner(cfg: Config) -> Runner:
    """The runner that the config asks for."""
    tell_channel_order(cfg)
    tell_image_size(cfg)
    tell_class_names(cfg)
    cfg = formatted_once(cfg)
    _wait_for_a_second_of_its_own(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    _STARTS.add(runner.timestamp)
    return runner


def _wait_for_a_second_of_its_own(cfg: Config) -> None:
    """A run's logs and its visualizer are named by the second in mmengine: two runs of one second would write into the same files."""
    while is_main_process() and ((now := time.strftime('%Y%m%d_%H%M%S')) in _STARTS or Path(cfg.work_dir, now).exists()):
        time.sleep(0.02)
