"""Train the model of a config: python tools/train.py CONFIG. The flags are those of mmpretrain's and mmdet's train.py."""

import argparse
import os
import sys
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.dist import all_gather_object, barrier, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.resumed_state import check_resume
from mmkd_ext.checkpoints.resuming import Start, start_from, start_newest
from mmkd_ext.checkpoints.run_folder import checkpoint_places, new_run
from mmkd_ext.checkpoints.weights import check_entries, check_weights, weights_of
from mmkd_ext.config.top_level import check_needed
from mmkd_ext.engine.memory import keep_freed_memory
from mmkd_ext.errors import PreflightError
from mmkd_ext.files.partial_files import remove_partial_files
from mmkd_ext.hooks.auto_weight_hook import AutoWeightHook
from mmkd_ext.hooks.compiled_step_hook import CompiledStepHook
from mmkd_ext.hooks.plain_checkpoint_hook import PlainCheckpointHook
from mmkd_ext.hooks.resumed_validation_hook import ResumedValidationHook, ValidationRecordHook
from mmkd_ext.hooks.run_folder_hook import RunFolderHook
from mmkd_ext.hooks.summed_terms_hook import SummedTermsHook
from mmkd_ext.preflight.check_run import check_train
from mmkd_ext.preflight.needed_class_means import check_class_means
from mmkd_ext.preflight.written_places import check_places
from mmkd_ext.running.command_line import run_checked
from mmkd_ext.running.launch import (
    add_common_arguments,
    build_runner,
    common_config,
    finish_config,
    join_processes,
    leave_processes,
    mixed_precision_without_gpu,
)

_NEEDS = ('train_cfg', 'train_dataloader', 'optim_wrapper')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint; without a name, from the newest readable one of the work dir',
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate during training')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate with the total batch size'
    )
    parser.add_argument(
        '--no-persistent-workers', action='store_true', help='end the workers with each epoch (our default)'
    )
    add_common_arguments(parser)
    return parser.parse_args(argv)


def make_config(args: argparse.Namespace) -> Config:
    """The config with the flags applied."""
    cfg = common_config(args, _NEEDS)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    args.otherwise = cfg.get('load_from')
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise PreflightError(
                '--auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in the config, got none: '
                f'look at {args.config}.'
            )
        cfg.auto_scale_lr.enable = True
    finish_config(cfg, args)
    check_needed(cfg, _NEEDS, f'{args.config} and --cfg-options')
    if args.no_persistent_workers:
        for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            if cfg.get(name) is not None:
                cfg[name].persistent_workers = False
    mixed_precision_without_gpu(cfg)
    return cfg


def choose_start(cfg: Config, otherwise: str | None = None) -> Start:
    """Settle what the run starts from, by whole files of this run; mmengine trusts `last_checkpoint`, which may lie.

    Args:
        cfg: The run's, in which `resume` and `load_from` are set.
        otherwise: The config's own `load_from`, for a run that finds nothing to resume.
    """
    start = None
    if cfg.get('resume') and cfg.get('load_from') is None:
        start = start_newest(cfg)
        print_log(
            f'Resuming from {start.resumed_from}.' if start else f'No checkpoint to resume from in {cfg.work_dir}: starting anew.',
            'current',
        )
        cfg.resume, cfg.load_from = start is not None, start.resumed_from if start else otherwise
    if start is None and cfg.get('load_from') is not None:
        cfg.load_from = local_checkpoint(cfg.load_from)
        needs = ('state_dict', 'meta', 'message_hub') if cfg.get('resume') else ()
        weights_of(read_checkpoint(cfg.load_from, needs), cfg.load_from)
        start = start_from(cfg, cfg.load_from) if cfg.get('resume') else None
    return start or Start(None, (new_run(),))


def check_start(cfg: Config, runner: Runner) -> None:
    """Refuse a checkpoint of another network; to start from (not to resume), some of its entries have to fit.

    Losses that follow class means have to find them there, or a hook that makes them.
    """
    if cfg.get('load_from') is None:
        check_class_means(runner, {})
        return
    checkpoint = read_checkpoint(cfg.load_from)
    check_class_means(runner, weights_of(checkpoint, cfg.load_from))
    if cfg.get('resume'):
        check_weights(runner.model, checkpoint, cfg.load_from)
        check_resume(runner, checkpoint, cfg.load_from)
        return
    model = runner.model
    state = weights_of(checkpoint, cfg.load_from)
    mine = getattr(model, 'module', model).state_dict()
    fitting = [key for key in mine if getattr(state.get(key), 'shape', None) == mine[key].shape]
    if not fitting:
        check_weights(model, checkpoint, cfg.load_from)
    check_entries({key: mine[key] for key in fitting}, state, cfg.load_from)
    print_log(f'{len(fitting)} of {len(mine)} entries of the network are in {cfg.load_from}.', 'current')


def train(argv: Sequence[str] | None = None) -> None:
    """Check, then train."""
    args = parse_args(argv)
    cfg = make_config(args)
    keep_freed_memory()
    join_processes(cfg)
    start = choose_start(cfg, args.otherwise)
    check_places(cfg, ('train', 'val'))
    runner = build_runner(cfg)
    for kind in (PlainCheckpointHook, SummedTermsHook, CompiledStepHook, AutoWeightHook, ValidationRecordHook, ResumedValidationHook):
        if not any(isinstance(hook, kind) for hook in runner.hooks):  # a config that is not ours
            runner.register_hook(kind())
    runner.register_hook(RunFolderHook(start.runs, start.resumed_from))
    if is_main_process():
        for folder in checkpoint_places(cfg):
            remove_partial_files(folder)
    barrier()
    # Machines without a common disk would go on from different weights.
    starts = {name and os.path.basename(name) for name in all_gather_object(cfg.get('load_from'))}
    if len(starts) > 1:
        raise PreflightError(
            f'All processes need to start from one checkpoint, got {sorted(map(str, starts))}: '
            f'look whether every machine sees the same {cfg.work_dir}.'
        )
    if isinstance(runner, Runner):  # other runners build their parts in another order
        check_train(runner)
        check_start(cfg, runner)
    runner.train()
    leave_processes()


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0, or 2 after an error that one sentence explains."""
    return run_checked(lambda: train(argv))


if __name__ == '__main__':
    sys.exit(main())
