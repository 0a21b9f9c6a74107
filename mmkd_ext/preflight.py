"""Whether a run can work, asked before it starts: in one sentence what was needed, what was got and where to look."""

import copy
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

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info
from mmengine.hooks import CheckpointHook
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner
from torch.utils.data import IterableDataset

from mmkd_ext.class_names import check_class_names
from mmkd_ext.coco_categories import categories_checked
from mmkd_ext.explain import check_known, module_that_raised, one_line, sentence, sync_bn_without_gpus
from mmkd_ext.files_as_data import files_are_data
from mmkd_ext.folders import check_work_dir
from mmkd_ext.listed_data import check_listed, name_images
from mmkd_ext.missing_data import missing_data
from mmkd_ext.random_state import random_state_kept
from mmkd_ext.wrappers import unwrapped

_LABELS_READ = 100_000  # a larger set is sampled evenly: a start must not take minutes


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
    """Read a config file.

    Raises:
        PreflightError: It is not there (with close names) or cannot be read.
    """
    if not os.path.isfile(path):
        what = 'is a folder' if os.path.isdir(path) else 'is not there'
        raise PreflightError(f'A config file is needed, got {path}, which {what}{_did_you_mean(path)}')
    try:
        return Config.fromfile(path)
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
        PreflightError: Data that is not there, labels that the head does not have, or a batch that the model cannot
            take.
    """
    for hook in runner.hooks:
        folder = getattr(hook, 'out_dir', None) if isinstance(hook, CheckpointHook) else None
        if folder is not None and '://' not in str(folder):
            check_work_dir(folder, 'Look at out_dir of the CheckpointHook.')
    if hasattr(unwrapped(runner.model), 'distill') and (runner.cfg.get('model') or {}).get('losses') == {}:
        raise PreflightError('A distillation needs losses=dict(name=config, ...) of one loss or more, got losses={}. Look at model.losses.')
    optimizer = (runner.cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    check_known(OPTIMIZERS, optimizer.get('type'))
    with random_state_kept():
        loops = {'train': lambda: runner.train_loop, 'val': lambda: runner.val_loop}
        for name, build in loops.items():
            _build_data(runner, name, build)
        for name, loop in (('train', runner.train_loop), ('val', runner.val_loop)):
            _check_data(runner, loop, name)
        check_class_names(runner)
        _check_norms(runner)
        _check_batch(runner)


def check_test(runner: Runner) -> None:
    """Build the data of a test run and compare its labels with the head.

    Raises:
        PreflightError: Data that is not there, or labels that the head does not have.
    """
    with random_state_kept():
        _build_data(runner, 'test', lambda: runner.test_loop)
        _check_data(runner, runner.test_loop, 'test')


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
        raise PreflightError(missing_data(_dataset_cfg(runner, name), name, error)) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _check_data(runner: Runner, loop: Any, name: str) -> None:
    """Of a loop that was built; a training may do without a validation."""
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    if dataset is None:
        return
    metrics = getattr(getattr(loop, 'evaluator', None), 'metrics', ())
    counted = name == 'train' or any(hasattr(each, '_coco_api') and not each.format_only for each in metrics)
    check_listed(dataset, name, boxes=counted)
    name_images(dataset)
    _check_labels(runner, dataset, name)


def _dataset_cfg(runner: Runner, name: str) -> Mapping[str, Any]:
    return (runner.cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}


def _check_labels(runner: Runner, dataset: Any, name: str) -> None:
    heads = {
        path: module.num_classes
        for path, module in unwrapped(runner.model).named_modules()
        if path.split('.')[-1] == 'head' and isinstance(getattr(module, 'num_classes', None), int)
    }
    if not heads or not hasattr(dataset, 'get_data_info'):
        return
    step = max(1, len(dataset) // _LABELS_READ)
    labels = [
        np.asarray(info['gt_label']).ravel()
        for info in map(dataset.get_data_info, range(0, len(dataset), step))
        if info.get('gt_label') is not None
    ]
    if not labels:
        return
    found = np.concatenate(labels)
    for path, classes in heads.items():
        if found.size and (found.max() >= classes or found.min() < 0):
            raise PreflightError(
                f'The {name} labels need to lie in 0..{classes - 1}, since model.{path} has num_classes={classes}; '
                f'got {found.min()}..{found.max()} from {type(dataset).__name__}. Look at model.{path}.num_classes.'
            )


def _check_norms(runner: Runner) -> None:
    """Of mmcv's kind, which the host's wrapper does not refuse itself."""
    problem = sync_bn_without_gpus(unwrapped(runner.model))
    if problem is not None:
        raise PreflightError(problem)


def _check_batch(runner: Runner) -> None:
    """One forward pass in train mode of a copy: a copy, since a forward pass may change more than buffers."""
    loader = runner.train_dataloader
    if isinstance(loader.dataset, IterableDataset):
        return
    if loader.batch_sampler is None:
        raise PreflightError('A batch size of 1 or more is needed, got None: look at train_dataloader.batch_size.')
    try:
        # Two samples, for the BatchNorms behind a global pooling.
        indices = list(range(min(2, len(loader.dataset))))
        whole = getattr(loader.dataset, '__getitems__', None)  # as the loader asks for them
        batch = loader.collate_fn(whole(indices) if whole else [loader.dataset[i] for i in indices])
    except OSError as error:
        raise PreflightError(missing_data(_dataset_cfg(runner, 'train'), 'train', error)) from error
    except Exception as error:  # transforms are anybody's
        raise PreflightError(
            f'A batch of the training data is needed, got {(sentence(error) or one_line(error)).rstrip(".")}. '
            'Look at train_dataloader: dataset, its pipeline and collate_fn.'
        ) from error
    try:
        model = copy.deepcopy(unwrapped(runner.model)).train()
    except (RuntimeError, TypeError):  # a model that cannot be copied can still be trained
        return
    try:
        with torch.no_grad():
            data = model.data_preprocessor(batch, True)
            model(**data, mode='loss') if isinstance(data, dict) else model(*data, mode='loss')
    except Exception as error:  # whatever it is, training would raise it too
        own = sentence(error)
        where = module_that_raised(model, error)
        text = own if own is not None else one_line(error)
        raise PreflightError(
            f'The model cannot process a batch of the training data: {text.rstrip(".")}. '
            f'Look at model{where} in the config.'
        ) from error
