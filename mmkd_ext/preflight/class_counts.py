"""Checks of the number of classes: heads, labels of the data, and top-k of the evaluators."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmpretrain.evaluation.metrics import Accuracy, MultiLabelMetric
from mmpretrain.models.heads import MultiLabelClsHead
from torch import nn

from mmkd_ext.datasets.listed_data import described, infos_of, leaves
from mmkd_ext.evaluation.student_accuracy import StudentAccuracy
from mmkd_ext.models.outputs.kinds.known import class_heads


def check_labels(model: nn.Module, dataset: Any, name: str) -> None:
    """Compare the labels that a data set lists, and the classes that it names, with every head.

    Args:
        model: Whose heads have `num_classes`.
        dataset: Of mmengine, or any; one that lists nothing is passed over.
        name: 'train', 'val' or 'test', for the sentences.

    Raises:
        ValueError: A label that is no whole number or that a head does not have, none or several for a head that takes one, fewer
            classes by name than a head has, or, in detection, another number of them.
    """
    named: Any = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if isinstance(named, str):
        raise ValueError(
            f'The {name} data need a tuple of class names, got the text {named!r}. Look at metainfo of {name}_dataloader.dataset: one '
            f'class is classes=({named!r},).')
    count = len(named) if isinstance(named, Sequence) else None
    for path, _, classes in _heads(model, class_heads(boxes=True)):
        if isinstance(named, Sequence) and count is not None and count != classes:
            raise ValueError(
                f'The {name} data need the {classes} classes that model.{path} has, got {count} in {described(dataset)} '
                f'({", ".join(map(str, named[:5]))}{", ..." if count > 5 else ""}). Look at model.{path}.num_classes and at '
                f'metainfo.classes of {name}_dataloader.dataset.')
        _check_range(path, classes, _boxes(dataset), dataset, name)
    for path, head, classes in _heads(model, class_heads(boxes=False)):
        task = path.split('.')[-1] if path.split('.')[-2:-1] == ['task_heads'] else None
        one = not isinstance(head, MultiLabelClsHead)
        found = _labels(path, one, classes, dataset, name, task)
        _check_range(path, classes, found, dataset, name)
        if count is not None and task is None and classes > count and found.size:
            raise ValueError(
                f'The {name} data need the {classes} classes that model.{path} has, got {count} in {described(dataset)}: the scores of '
                f'{classes - count} would be of nothing. Look at model.{path}.num_classes; spare classes have to be named with the '
                f'others, by metainfo=dict(classes=...) of {name}_dataloader.dataset.')


def check_topk(model: nn.Module, metrics: Sequence[Any], name: str) -> None:
    """Whether every k of the heads' and the evaluator's top-k is a whole number of 1 up to the number of classes.

    Raises:
        ValueError: It is not.
    """
    heads = list(_heads(model, class_heads(boxes=False)))
    for path, head, classes in heads:
        if getattr(head, 'cal_acc', False) is True:
            _check_k(getattr(head, 'topk', ()), classes, f'model.{path}', f'model.{path}.topk')
    if not heads:
        return
    path, _, classes = min(heads, key=lambda each: each[2])
    for metric in metrics:
        if isinstance(metric, Accuracy | StudentAccuracy | MultiLabelMetric) and metric.topk is not None:
            kind = type(metric).__name__
            _check_k(metric.topk, classes, f'model.{path}', f'topk of {kind} in {name}_evaluator')


def _check_k(topk: Any, classes: int, head: str, place: str) -> None:
    for k in topk if isinstance(topk, list | tuple) else (topk,):
        if not isinstance(k, int) or not 1 <= k <= classes:
            raise ValueError(
                f'A top-k accuracy needs k of 1 to {classes}, the classes of {head}, got Top-{k}. Look at {place}.')


def _heads(model: nn.Module, names: Sequence[str]) -> Iterator[tuple[str, nn.Module, int]]:
    """Path, module and K of what gives a score for each class."""
    for path, module in model.named_modules():
        parts = path.split('.')
        while parts and parts[-1].isdecimal():  # of a cascade
            parts.pop()
        task = parts[-2:-1] == ['task_heads'] and 'head' in names
        classes = getattr(module, 'num_classes', None)
        if parts and (parts[-1] in names or task) and type(classes) is int and classes > 0:
            yield path, module, classes


def _labels(path: str, one: bool, classes: int, dataset: Any, name: str, task: str | None) -> np.ndarray:
    """All labels of images; `one` each, or any number."""
    found: list[np.ndarray] = []
    missing = 0
    for info in infos_of(dataset):
        label, score = info.get('gt_label'), info.get('gt_score')
        if isinstance(label, Mapping):
            label, score = (label.get(task) if task else None), None
        if score is not None and np.size(score) != classes:
            raise ValueError(
                f'The {name} scores need {classes} numbers an image, since model.{path} has num_classes={classes}; got {np.size(score)} '
                f'from {described(dataset)}. Look at model.{path}.num_classes.')
        if label is None:
            missing += score is None
            continue
        numbers = np.asarray(label).ravel()
        if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
            raise ValueError(
                f'The {name} labels need to be whole numbers, got {label!r} for {info.get("img_path", "an image")} of '
                f'{described(dataset)}. Look at the annotations of {name}_dataloader.dataset.')
        if one and numbers.size != 1:
            raise ValueError(
                f'The {name} data need one label an image, since model.{path} is no head for several, got {label!r} for '
                f'{info.get("img_path", "an image")} of {described(dataset)}. Look at its annotations, or at the type of model.{path}.')
        found.append(numbers)
    if found and missing and task is None:
        raise ValueError(
            f'The {name} data need a label for every image, got {missing} without in {described(dataset)}. Look at its annotations.')
    return np.concatenate(found) if found else np.zeros(0, dtype=int)


def _boxes(dataset: Any) -> np.ndarray:
    """All labels of boxes that are learned from."""
    return np.asarray([
        each['bbox_label'] for leaf in leaves(dataset) for info in infos_of(leaf) for each in info.get('instances') or ()
        if isinstance(each, Mapping) and isinstance(each.get('bbox_label'), int | np.integer) and not each.get('ignore_flag')],
        dtype=int)  # fmt: skip


def _check_range(path: str, classes: int, found: np.ndarray, dataset: Any, name: str) -> None:
    if found.size and (found.max() >= classes or found.min() < 0):
        raise ValueError(
            f'The {name} labels need to lie in 0..{classes - 1}, since model.{path} has num_classes={classes}; '
            f'got {found.min()}..{found.max()} from {described(dataset)}. Look at model.{path}.num_classes.')
