"""Launching: the flags of mmpretrain's and mmdet's tools, defaults of data loaders, process groups, and the Runner."""

import argparse
import datetime
import inspect
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import barrier, is_distributed, is_main_process
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

import mmkd_ext.checkpoints.mmengine_loaders  # noqa: F401  # registers
from mmkd_ext.config.cfg_options import OptionsAction, merge_options
from mmkd_ext.config.formatted_once import formatted_once
from mmkd_ext.config.load_config import load_config
from mmkd_ext.config.named_types import type_name
from mmkd_ext.config.top_level import check_loops, check_needed, check_parts
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.writable_places import check_work_dir
from mmkd_ext.models.config_from_data import tell_channel_order, tell_class_names, tell_image_size

_LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_STARTS: set[str] = set()  # of this process's runs, as mmengine writes them


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that train.py and test.py of mmpretrain and mmdet have in common."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/<name of the config>)')
    parser.add_argument('--amp', action='store_true', help='mixed precision; bfloat16 where there is no GPU')
    parser.add_argument('--no-pin-memory', action='store_true', help='do not pin the loaded batches')
    parser.add_argument(
        '--cfg-options', nargs='+', action=OptionsAction, metavar='KEY=VALUE', help="settings that replace the config's"
    )
    parser.add_argument(
        '--launcher', choices=_LAUNCHERS, default='none', help='who starts the processes'
    )
    # torch.distributed.launch passes one or the other spelling, torchrun sets the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by the launcher')


def common_config(args: argparse.Namespace, needs: Sequence[str]) -> Config:
    """The config, which must have the keys `needs`, with the common flags applied."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config)
    check_needed(cfg, needs, args.config)
    check_parts(cfg, args.config)
    _take_launcher(cfg, args)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    return cfg


def _take_launcher(cfg: Config, args: argparse.Namespace) -> None:
    """The flag's launcher, which goes before the config's; that of a run's copied config has to be of some meaning."""
    asked = cfg.get('launcher')
    if asked not in (None, *_LAUNCHERS):
        raise PreflightError(f'A launcher of {", ".join(_LAUNCHERS)} is needed, got launcher={asked!r}: look at {args.config}.')
    if asked not in (None, 'none', args.launcher):
        print_log(f'launcher={asked!r} of the config is not followed: --launcher says it, here {args.launcher}.', 'current')
    cfg.launcher = args.launcher


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
    check_parts(cfg, args.config)
    check_loops(cfg, args.config)
    check_work_dir(cfg.work_dir)


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
    kind = cfg.get('runner_type', 'Runner')
    if not isinstance(kind, str | type):
        raise PreflightError(f"The name of a runner is needed as runner_type, such as 'Runner', got {kind!r}.")
    _wait_for_a_second_of_its_own(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    _STARTS.add(runner.timestamp)
    return runner


def _wait_for_a_second_of_its_own(cfg: Config) -> None:
    """A run's logs and its visualizer are named by the second in mmengine: two runs of one second would write into the same files."""
    while is_main_process() and ((now := time.strftime('%Y%m%d_%H%M%S')) in _STARTS or Path(cfg.work_dir, now).exists()):
        time.sleep(0.02)
