"""One training batch and one validation batch, tried before a run on a copy of the model."""

import copy
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_gather_object
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.runner import Runner, autocast
from mmpretrain.evaluation import metrics as of_mmpretrain
from torch.utils.data import IterableDataset

from mmkd_ext.datasets.missing_data import missing_data
from mmkd_ext.engine.model_wrappers import unwrapped
from mmkd_ext.engine.progress import as_at_the_start
from mmkd_ext.evaluation.feature_accuracy import FeatureAccuracy
from mmkd_ext.evaluation.student_accuracy import StudentAccuracy
from mmkd_ext.evaluation.teacher_validation import copied_evaluator
from mmkd_ext.explain.failing_line import failing_line
from mmkd_ext.explain.sentences import module_that_raised, one_line, sentence
from mmkd_ext.models.uninitialised import made_finite

from .finite_images import images_without_numbers
from .metric_names import names_by_settings

# whose numbers of two images are computed too: those of others may need all images, or take minutes
_QUICK = (
    of_mmpretrain.Accuracy, of_mmpretrain.SingleLabelMetric, of_mmpretrain.MultiLabelMetric, of_mmpretrain.AveragePrecision,
    of_mmpretrain.ConfusionMatrix, of_mmpretrain.VOCMultiLabelMetric, of_mmpretrain.VOCAveragePrecision, StudentAccuracy)
_ONE_VALUE = 'Expected more than 1 value per channel'  # torch's BatchNorm


class OneImageError(ValueError):
    """A batch of one image, in which BatchNorm gets one value a channel."""


class _NoNumbersError(ValueError):
    """An image with NaN or Inf."""


def check_train_batch(runner: Runner) -> None:
    """One forward pass in train mode; a second one of a single image where the last batch of an epoch has no more.

    Raises:
        ValueError: A batch that cannot be made, or that the model cannot take; `OneImageError` for one of a single image.
    """
    loader = runner.train_dataloader
    if isinstance(loader.dataset, IterableDataset):
        return
    if loader.batch_sampler is None:
        raise ValueError('A batch size of 1 or more is needed, got None: look at train_dataloader.batch_size.')
    # Two samples, for the BatchNorms behind a global pooling.
    batches = [_batch(runner, loader, 'train', 2)]
    size, last = loader.batch_sampler.batch_size, last_batch(loader)
    if last == 1 and len(loader.dataset) > 1:
        batches.append(_batch(runner, loader, 'train', 1))
    model = _copied(runner)
    for batch in batches if model is not None else ():
        try:
            with torch.no_grad(), as_at_the_start():
                prepare: Any = model.train().data_preprocessor
                data = prepare(batch, True)
                _check_numbers(data)
                model(**data, mode='loss') if isinstance(data, dict) else model(*data, mode='loss')
        except Exception as error:  # whatever it is, training would raise it too
            if isinstance(error, _NoNumbersError):
                raise
            where = module_that_raised(model, error)
            if _ONE_VALUE in str(error) and size == 1:
                raise OneImageError(
                    f'Batches of 2 images or more are needed, since BatchNorm at model{where} gets one value a channel of a single one, '
                    'got train_dataloader.batch_size=1. Look at it, or take a norm of another kind.') from error
            if _ONE_VALUE in str(error) and batch is not batches[0]:
                raise OneImageError(
                    f'A last batch of 2 images or more is needed, since BatchNorm at model{where} gets one value a channel of a single '
                    f'one, got {len(loader.dataset)} images in batches of {size}, which leave 1. Set train_dataloader.drop_last=True, '
                    'or look at batch_size.') from error
            raise ValueError(
                f'The model cannot process a batch of the training data: {_text(error)}. Look at model{where} in the config.'
            ) from error


def _check_numbers(data: Any) -> None:
    bad = images_without_numbers(data.get('inputs'), data.get('data_samples')) if isinstance(data, dict) else []
    if bad:
        raise _NoNumbersError(
            f'Images of finite numbers are needed, got NaN or Inf in {bad[0]}. Look at the file, at the pipeline of '
            'train_dataloader.dataset and at mean and std of data_preprocessor.')


def last_batch(loader: Any) -> int | None:
    """Images in the last batch of an epoch on this process; None where batches do not end."""
    batches = loader.batch_sampler
    sampler, size = getattr(batches, 'sampler', None), getattr(batches, 'batch_size', None)
    if isinstance(sampler, InfiniteSampler) or not hasattr(sampler, '__len__') or not isinstance(size, int):
        return None
    return size if getattr(batches, 'drop_last', False) else len(sampler) % size or size  # type: ignore[arg-type]


def check_evaluated_batch(runner: Runner, loop: Any, name: str) -> dict[str, bool] | None:
    """Predict two images of a loop, or the one of a batch, and hand them to a copy of its evaluator, which leaves no file.

    Args:
        runner: The run.
        loop: Of validation or test, built, or None.
        name: 'val' or 'test'.

    Returns:
        The names of the evaluator's numbers and whether each is one, where they can be known by two images; else None.

    Raises:
        ValueError: A batch that the model cannot predict, or predictions that the evaluator cannot take.
    """
    loader, evaluator = getattr(loop, 'dataloader', None), getattr(loop, 'evaluator', None)
    if loader is None or evaluator is None or isinstance(loader.dataset, IterableDataset):
        return None
    if loader.batch_sampler is None:
        raise ValueError(f'A batch size of 1 or more is needed, got None: look at {name}_dataloader.batch_size.')
    for metric in evaluator.metrics:
        if isinstance(metric, FeatureAccuracy):
            metric.check_count(len(loader.dataset), f'{name}_')
    batch = _batch(runner, loader, name, min(2, getattr(loader.batch_sampler, 'batch_size', None) or 2))  # of one size, if only one
    model = _copied(runner)
    if model is None or hasattr(model, 'prepare_prototype'):  # a retriever, which a hook prepares
        return None
    if not isinstance(getattr(loop, 'fp16', False), bool):
        raise ValueError(f'True or False is needed as fp16, got {loop.fp16!r}. Look at {name}_cfg.fp16.')
    step: Callable[[Any], Any] = getattr(model.eval(), f'{name}_step')
    try:
        with torch.no_grad(), autocast(enabled=getattr(loop, 'fp16', False)):
            outputs = step(batch)
    except Exception as error:  # whatever it is, the loop would raise it too
        raise ValueError(
            f'The model cannot predict a batch of the {name} data: {_text(error)}. Look at model{module_that_raised(model, error)} and at '
            f'the pipeline of {name}_dataloader.dataset.') from error
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of numbers over two images
        try:
            copied = copied_evaluator(evaluator, lambda path: str(Path(folder) / Path(path).name))
        except (RuntimeError, TypeError):  # one that cannot be copied can still evaluate
            return None
        try:
            copied.process(data_samples=outputs, data_batch=batch)
            return _names(copied)
        except Exception as error:  # metrics are anybody's
            asked = [frame.f_locals.get('self') for frame, _ in traceback.walk_tb(error.__traceback__)]
            kind = next((type(each).__name__ for each in asked if isinstance(each, BaseMetric)), 'it')
            raise ValueError(
                f'An evaluator that can take the predictions of the model is needed, got {kind} and {_text(error)}. Look at '
                f'{name}_evaluator, and at what the pipeline of {name}_dataloader.dataset packs.') from error


def _names(evaluator: Any) -> dict[str, bool] | None:
    """Of its numbers, which the quick metrics compute, and whether each is one."""
    found: list[tuple[str, bool]] = []
    known = type(evaluator) is Evaluator
    for metric in evaluator.metrics:
        if isinstance(metric, FeatureAccuracy):  # which needs more than two images
            values = {'top1': True}
        elif type(metric) in _QUICK:
            values = {key: _is_one(value) for key, value in metric.compute_metrics(metric.results).items()}
        else:
            told = names_by_settings(metric)
            known, values = known and told is not None, dict.fromkeys(told or (), True)
        found += [(f'{metric.prefix}/{key}' if metric.prefix else key, single) for key, single in values.items()]
    names = [name for name, _ in found]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ValueError(f'several metrics give {", ".join(twice)}: each needs a prefix of its own')
    return dict(found) if known else None


def _is_one(value: Any) -> bool:
    return not isinstance(value, list | tuple | dict) and not getattr(value, 'ndim', 0)


def check_shares(loader: Any, name: str) -> None:
    """Whether every process has a batch: one without leaves the others waiting. To be called on all processes.

    Raises:
        ValueError: One has none.
    """
    if loader is None or not hasattr(loader.dataset, '__len__'):
        return
    batches = all_gather_object(len(loader))
    if not all(batches):
        drops = getattr(loader.batch_sampler, 'drop_last', False)
        raise ValueError(
            f'One {name} batch or more is needed in each of {len(batches)} processes, got {batches} of {len(loader.dataset)} samples in '
            f'batches of {getattr(loader.batch_sampler, "batch_size", None)}. Look at {name}_dataloader: '
            f'{"drop_last, " if drops else "round_up of its sampler, "}batch_size and the number of processes.')


def _batch(runner: Runner, loader: Any, name: str, most: int) -> Any:
    """The first samples, at most `most`, as the loader would make them."""
    data = (runner.cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}
    try:
        indices = list(range(min(most, len(loader.dataset))))
        whole = getattr(loader.dataset, '__getitems__', None)  # as the loader asks for them
        return loader.collate_fn(whole(indices) if whole else [loader.dataset[i] for i in indices])
    except OSError as error:
        raise ValueError(missing_data(data, name, error)) from error
    except Exception as error:  # transforms are anybody's
        raise ValueError(
            f'A batch of the {_DATA[name]} data is needed, got {_text(error)}. '
            f'Look at {name}_dataloader: dataset, its pipeline and collate_fn.'
        ) from error


_DATA = {'train': 'training', 'val': 'validation', 'test': 'test'}


def _copied(runner: Runner) -> Any:
    """A copy, since a forward pass may change more than buffers; None for a model that cannot be copied, but can be trained."""
    try:
        return made_finite(copy.deepcopy(unwrapped(runner.model)))
    except (RuntimeError, TypeError):
        return None


def _text(error: BaseException) -> str:
    own = sentence(error)
    if own is None:
        own = one_line(error) + (failing_line(error) if not str(error) or isinstance(error, TypeError) else '')
    return own.rstrip('.')
