"""Whether a run can work, asked before it starts: in one sentence what was needed, what was got and where to look."""

import difflib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import get_dist_info
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmkd_ext.class_counts import check_labels, check_topk
from mmkd_ext.class_names import check_class_names
from mmkd_ext.coco_categories import categories_checked
from mmkd_ext.explain import one_line, sentence, sync_bn_without_gpus
from mmkd_ext.files_as_data import files_are_data
from mmkd_ext.folders import check_work_dir
from mmkd_ext.hook_needs import missing_part
from mmkd_ext.listed_data import check_listed, name_images
from mmkd_ext.missing_data import missing_data
from mmkd_ext.named_types import named
from mmkd_ext.random_state import random_state_kept
from mmkd_ext.training_parts import check_intervals, check_length, check_losses, check_optimizer
from mmkd_ext.trial_batches import check_evaluated_batch, check_shares, check_train_batch
from mmkd_ext.watched_numbers import check_watched
from mmkd_ext.wrappers import unwrapped


class PreflightError(ValueError):
    """A run that cannot work; the text is all that a user needs."""


def run_checked(job: Callable[[], object]) -> int:
    """Run a command line's work; an error that can be explained ends in one sentence on stderr instead of a traceback.

    `MMKD_TRACEBACK=1` shows every traceback.

    Returns:
        The exit code: 0, or 2 after an explained error. Other errors are raised as they are.
    """
    try:
        with files_are_data():
            job()
    except Exception as error:
        text = str(error) if isinstance(error, PreflightError) else sentence(error)
        if text is None or os.environ.get('MMKD_TRACEBACK') == '1':
            raise
        rank = int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', get_dist_info()[0])))
        if rank > 0:
            # Most errors happen on every rank. The launcher ends the others once rank 0 has spoken and left; only an
            # error that rank 0 does not have gets past this wait.
            _wait(10)
            text = f'[rank {rank}] {text}'
        print(f'error: {text}', file=sys.stderr, flush=True)
        return 2
    return 0


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def load_config(path: str) -> Config:
    """Read a config file; types that it gives as classes are their names.

    Raises:
        PreflightError: It is not there (with close names) or cannot be read.
    """
    if not os.path.isfile(path):
        what = 'is a folder' if os.path.isdir(path) else 'is not there'
        raise PreflightError(f'A config file is needed, got {path}, which {what}{_did_you_mean(path)}')
    try:
        return named(Config.fromfile(path))
    except Exception as error:  # a config is Python: anything may happen in it
        raise PreflightError(
            f'A config that can be read is needed, got {path}: {one_line(error)}. '
            'Look at that line, or at the files named in its _base_.'
        ) from error


def _did_you_mean(path: str) -> str:
    known = {file.stem: str(file) for file in Path('configs').rglob('*.py') if '_base_' not in file.parts}
    close = difflib.get_close_matches(Path(path).stem, known, n=2, cutoff=0.7)
    return f'; did you mean {" or ".join(known[stem] for stem in close)}?' if close else '; look in configs/.'


def check_train(runner: Runner) -> None:
    """Build the data of a training run, and let the model see a batch of it.

    The loaders are the runner's own, so nothing is loaded twice; the random state, the weights and the statistics stay
    as they were.

    Raises:
        PreflightError: Data that is not there, labels that the head does not have, a batch that the model cannot take, or a hook that
            asks for a part that the model does not have.
    """
    for hook in runner.hooks:
        folder = getattr(hook, 'out_dir', None) if isinstance(hook, CheckpointHook) else None
        if folder is not None and '://' not in str(folder):
            check_work_dir(folder, 'Look at out_dir of the CheckpointHook.')
        problem = missing_part(hook, unwrapped(runner.model))
        if problem is not None:
            raise PreflightError(problem)
    if hasattr(unwrapped(runner.model), 'distill') and (runner.cfg.get('model') or {}).get('losses') == {}:
        raise PreflightError('A distillation needs losses=dict(name=config, ...) of one loss or more, got losses={}. Look at model.losses.')
    check_intervals(runner.hooks, runner.log_processor)
    check_optimizer(runner.cfg)
    check_losses(unwrapped(runner.model))
    with random_state_kept():
        loops = {'train': lambda: runner.train_loop, 'val': lambda: runner.val_loop}
        for name, build in loops.items():
            _build_data(runner, name, build)
            if name == 'train':
                check_length(runner.train_loop)
        for name, loop in (('train', runner.train_loop), ('val', runner.val_loop)):
            _check_data(runner, loop, name)
        check_class_names(runner)
        _check_norms(runner)
        check_train_batch(runner)
        names = check_evaluated_batch(runner, runner.val_loop, 'val')
    check_watched(runner.hooks, runner.cfg.get('param_scheduler') or [], names)


def check_test(runner: Runner) -> None:
    """Build the data of a test run and compare its labels with the head.

    Raises:
        PreflightError: Data that is not there, or labels that the head does not have.
    """
    with random_state_kept():
        _build_data(runner, 'test', lambda: runner.test_loop)
        _check_data(runner, runner.test_loop, 'test')
        check_evaluated_batch(runner, runner.test_loop, 'test')


def _build_data(runner: Runner, name: str, build: Callable[[], object]) -> None:
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # a download from a network that swallows packets would wait for ever
    detects = runner.cfg.get('default_scope') == 'mmdet'
    try:
        with categories_checked() if detects else nullcontext():
            build()
    except (OSError, AssertionError, RuntimeError) as error:
        if not any(frame.name == 'build_dataloader' for frame in traceback.extract_tb(error.__traceback__)):
            raise  # of the evaluator, not of the data
        if isinstance(error, AssertionError) and _of_a_transform(error):
            raise  # of the pipeline's config
        raise PreflightError(missing_data(_dataset_cfg(runner, name), name, error)) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _of_a_transform(error: BaseException) -> bool:
    built = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name == 'build_from_cfg']
    return bool(built) and getattr(built[-1].f_locals.get('registry'), 'name', None) == 'transform'


def _check_data(runner: Runner, loop: Any, name: str) -> None:
    """Of a loop that was built; a training may do without a validation."""
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    if dataset is None:
        return
    metrics = getattr(getattr(loop, 'evaluator', None), 'metrics', ())
    counted = name == 'train' or any(hasattr(each, '_coco_api') and not each.format_only for each in metrics)
    check_listed(dataset, name, boxes=counted)
    name_images(dataset)
    check_shares(loop.dataloader, name)
    check_labels(unwrapped(runner.model), dataset, name)
    check_topk(unwrapped(runner.model), metrics, name)


def _dataset_cfg(runner: Runner, name: str) -> Mapping[str, Any]:
    return (runner.cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}


def _check_norms(runner: Runner) -> None:
    """Of mmcv's kind, which the host's wrapper does not refuse itself."""
    problem = sync_bn_without_gpus(unwrapped(runner.model))
    if problem is not None:
        raise PreflightError(problem)

