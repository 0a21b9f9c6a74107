"""All checks of a training or test run before it starts; an error says what was needed, what was got and where to look."""

import socket
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from mmengine.runner import Runner

from mmkd_ext.datasets.coco_categories import categories_checked
from mmkd_ext.datasets.listed_data import check_listed, name_images
from mmkd_ext.datasets.missing_data import missing_data, unreadable_annotations
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.engine.random_state import random_state_kept
from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import sync_bn_without_gpus

from .class_counts import check_labels, check_topk
from .class_names import check_class_names
from .hook_needs import missing_part
from .hook_settings import check_hook_settings
from .late_schedulers import warn_of_late_schedulers
from .number_ranges import check_numbers
from .passed_over import warn_of_passed_over
from .repeated_hooks import check_repeated
from .training_parts import check_intervals, check_length, check_losses, check_optimizer
from .trial_batches import check_evaluated_batch, check_shares, check_train_batch
from .unread_keys import check_unread_keys
from .unread_types import check_unread_types
from .usable_optimizer import check_usable
from .watched_numbers import check_watched, warn_without_validation


def check_train(runner: Runner) -> None:
    """Build the data of a training run, and let the model see a batch of it.

    The loaders are the runner's own, so nothing is loaded twice; the random state, the weights and the statistics stay
    as they were.

    Raises:
        PreflightError: Data that is not there, labels that the head does not have, a batch that the model cannot take, or a hook that
            asks for a part that the model does not have.
    """
    for hook in runner.hooks:
        problem = missing_part(hook, unwrapped(runner.model))
        if problem is not None:
            raise PreflightError(problem)
    if hasattr(unwrapped(runner.model), 'distill') and (runner.cfg.get('model') or {}).get('losses') == {}:
        raise PreflightError('A distillation needs losses=dict(name=config, ...) of one loss or more, got losses={}. Look at model.losses.')
    check_unread_types(runner.cfg)
    check_unread_keys(runner.cfg, unwrapped(runner.model), runner.hooks)
    check_repeated(runner.cfg, runner.hooks)
    check_intervals(runner.hooks, runner.log_processor)
    check_numbers(runner.cfg)
    check_optimizer(runner.cfg)
    check_usable(runner)
    check_losses(unwrapped(runner.model))
    with random_state_kept():
        loops = {'train': lambda: runner.train_loop, 'val': lambda: runner.val_loop}
        for name, build in loops.items():
            _build_data(runner, name, build)
            if name == 'train':
                check_length(runner.train_loop)
                warn_of_late_schedulers(runner.cfg.get('param_scheduler'), runner.train_loop)
        check_hook_settings(runner.hooks, runner.train_dataloader.dataset)
        for name, loop in (('train', runner.train_loop), ('val', runner.val_loop)):
            _check_data(runner, loop, name)
        check_class_names(runner)
        warn_of_passed_over(unwrapped(runner.model), runner.train_dataloader.dataset)
        _check_norms(runner)
        check_train_batch(runner)
        names = check_evaluated_batch(runner, runner.val_loop, 'val')
    schedulers = runner.cfg.get('param_scheduler') or []
    asked = runner.cfg.get('needed_metrics') or []  # of a study, see study_runs.py
    tables = [name for name, single in (names or {}).items() if not single]
    asked = [_of_the_whole(name, runner.model) for name in ([asked] if isinstance(asked, str) else asked)]
    check_watched(runner.hooks, schedulers, None if names is None else list(names), tables, asked)
    if runner.val_loop is None:
        warn_without_validation(runner.hooks, schedulers)


def _of_the_whole(name: str, model: Any) -> str:
    """A number's name without that of the network of an ensemble that it is of: DistillationReportHook judges each as the whole."""
    network, _, rest = name.partition('/')
    return rest if rest and network in getattr(unwrapped(model), 'networks', {}) else name


def check_test(runner: Runner) -> None:
    """Build the data of a test run and compare its labels with the head.

    Raises:
        PreflightError: Data that is not there, or labels that the head does not have.
    """
    check_unread_types(runner.cfg)
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
        told = unreadable_annotations(name, error)
        raise PreflightError(told or missing_data(_dataset_cfg(runner, name), name, error)) from error
    except Exception as error:  # data sets are anybody's
        told = unreadable_annotations(name, error)
        if told is None:
            raise
        raise PreflightError(told) from error
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
    """SyncBN of mmcv, which mmengine's wrapper does not refuse itself."""
    problem = sync_bn_without_gpus(unwrapped(runner.model))
    if problem is not None:
        raise PreflightError(problem)

