"""Checks of class names: training data, validation data and teachers have the same classes in the same order, or are mapped."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

from mmengine.logging import print_log

from mmkd_ext.engine.model_wrappers import unwrapped


class ClassOrderError(ValueError):
    """A teacher with the classes of the data in another order."""


def check_class_names(runner: Any) -> None:
    """Compare the class names in a run whose data are built.

    Raises:
        ValueError: Validation data, or a frozen teacher's checkpoint, with other classes than the training data or in another order.
    """
    train = runner.train_dataloader.dataset
    loader = getattr(runner.val_loop, 'dataloader', None)
    check_data_names(train, {} if loader is None else {'val': loader.dataset})
    given = getattr(unwrapped(runner.model), 'teachers', {}).values()
    for teacher in [each for several in given for each in getattr(several, 'teachers', [several])]:
        if teacher.labels.groups is None:
            check_teacher_names(teacher.name, teacher.record.classes, train, maps=not teacher.reader.boxes)
        else:
            _check_mapped(teacher.name, teacher.labels.mine, train)


def check_data_names(train: Any, others: dict[str, Any]) -> None:
    """Compare the names of the classes of data that are trained on with those of data that are scored.

    Args:
        train: The training data set.
        others: Data sets by name, such as `val`.

    Raises:
        ValueError: A class of another name at some place, or another number of classes.
    """
    mine = _names(train)
    for name, dataset in others.items():
        theirs = _names(dataset)
        if mine is None or theirs is None or mine == theirs:
            continue
        raise ValueError(
            f'The {name} data need the classes of the training data, {_differing(mine, theirs)}. Look at the folders, at classes and at '
            f'metainfo of train_dataloader.dataset and {name}_dataloader.dataset.')


def check_teacher_names(teacher: str, theirs: Sequence[str] | None, train: Any, maps: bool = True) -> None:
    """Compare the classes that a teacher's checkpoint names with those of the data; names that only look different are warned of.

    Raises:
        ValueError: As many classes, some of them at other places, but not all, or they would be mapped (see `LabelSpace`).
    """
    mine = _names(train)
    if mine is None or not theirs or len(theirs) != len(mine) or list(theirs) == mine:
        return
    moved = [k for k, (a, b) in enumerate(zip(theirs, mine, strict=True)) if a != b and a in mine]
    text = f'The teacher {teacher} needs the classes of the data in their order, {_differing(mine, list(theirs))}'
    if moved:
        first = 'Map its classes by teacher=dict(model=..., classes=...), give' if maps else 'Give'  # a detector's are not mapped
        raise ClassOrderError(f'{text}. {first} the data its order by metainfo=dict(classes=...), or train it anew.')
    print_log(f'{text}. Are they the same under other names?', 'current', WARNING)


def _check_mapped(teacher: str, told: Any, train: Any) -> None:
    """Whether the data have the names by which a teacher's classes were mapped."""
    mine = _names(train)
    if told is not None and mine is not None and list(told.names) != mine:
        raise ValueError(
            f'The teacher {teacher} is mapped to other classes than those of the data, {_differing(mine, list(told.names))}. Leave '
            'model.class_names out, or give it the names of the data.')


def _names(dataset: Any) -> list[str] | None:
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    return [str(name) for name in names] if isinstance(names, list | tuple) and names else None


def _differing(mine: list[str], theirs: list[str]) -> str:
    if len(mine) != len(theirs):
        return f'which are {len(mine)} ({", ".join(mine[:5])}, ...), got {len(theirs)} ({", ".join(theirs[:5])}, ...)'
    places = [k for k, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b]
    first = places[0]
    return f'got {len(places)} of {len(mine)} that differ, first {theirs[first]!r} for {mine[first]!r} at place {first}'
