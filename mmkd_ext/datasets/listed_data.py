"""Checks of what data sets list, before a run: image files, boxes, and whether there are samples. Wrapped data sets count too."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from mmengine.registry import DATASETS, DefaultScope

from mmkd_ext.explain.sentences import one_line

from .coco_categories import categories_checked
from .missing_data import missing_data, unreadable_annotations

LISTED = 100_000  # of a larger set these many are looked at, evenly spaced: a start must not take minutes


def build_data(cfg: Mapping[str, Any], name: str) -> Any:
    """The data set of a config, for a tool that builds it without mmengine's runner; it is looked at as `check_listed` says.

    Args:
        cfg: Of the data set.
        name: 'train', 'val' or 'test': whose loader's it is, for the sentences.

    Raises:
        ValueError: Data that is not there, annotations that cannot be read, or as `check_listed`.
    """
    scope = DefaultScope.get_current_instance()
    try:
        with categories_checked() if scope is not None and scope.scope_name == 'mmdet' else nullcontext():
            dataset = DATASETS.build(cfg)
    except Exception as error:  # data sets are anybody's
        told = unreadable_annotations(name, error) or (
            missing_data(cfg, name, error) if isinstance(error, OSError | AssertionError) else None)
        if told is None:
            raise
        raise ValueError(told) from error
    check_listed(dataset, name)
    return name_images(dataset)


def leaves(dataset: Any) -> Iterator[Any]:
    """The data sets that a data set is made of (ConcatDataset, RepeatDataset, ClassBalancedDataset, Subset and their like)."""
    inner = getattr(dataset, 'datasets', None) or [each for each in [getattr(dataset, 'dataset', None)] if each is not None]
    if not isinstance(inner, list | tuple):
        inner = [inner]
    if not inner:
        yield dataset
    for each in inner:
        yield from leaves(each)


def infos_of(dataset: Any, limit: int = LISTED) -> Iterator[dict[str, Any]]:
    """The records that a data set lists before any image is read; none for a data set that has no list."""
    if hasattr(dataset, 'get_data_info'):
        step = max(1, len(dataset) // limit)
        yield from (info for info in map(dataset.get_data_info, range(0, len(dataset), step)) if isinstance(info, dict))


def check_listed(dataset: Any, name: str, boxes: bool = False) -> None:
    """Whether there are samples, whether their image files are there and not empty, and whether boxes can be learned from.

    Args:
        dataset: Of mmengine, or any.
        name: 'train', 'val' or 'test', for the sentences.
        boxes: Whether one box at least has to be left.

    Raises:
        ValueError: As said, or fewer samples than `indices` asks for.
    """
    if hasattr(dataset, '__len__') and not len(dataset):
        raise ValueError(
            f'{name.capitalize()} data with one sample or more is needed, got none in {described(dataset)}. '
            f'Look at {name}_dataloader.dataset (ann_file, filter_cfg, indices).')
    found = listed = False
    for leaf in leaves(dataset):
        _check_indices(leaf, name)
        on_disk = _reads_files(leaf)
        for info in infos_of(leaf):
            if on_disk:
                _check_file(info.get('img_path'), leaf, name)
            instances = info.get('instances')
            for each in instances if isinstance(instances, list) else ():
                _check_box(each, info, leaf)
                found = found or not each.get('ignore_flag')
            listed = listed or isinstance(instances, list)
    if boxes and listed and not found:
        raise ValueError(
            f'{name.capitalize()} data with one box or more is needed, got none in the {len(dataset)} images of {described(dataset)} '
            '(boxes of a crowd, without an area or of no class do not count). '
            f'Look at {name}_dataloader.dataset (ann_file, metainfo.classes).')


def described(dataset: Any) -> str:
    """A data set's kind and its annotation file or folder; of several, of each."""
    kinds = []
    for leaf in leaves(dataset):
        prefix = getattr(leaf, 'data_prefix', None)
        prefix = next(iter(prefix.values()), None) if isinstance(prefix, dict) else prefix
        places = [getattr(leaf, 'ann_file', None), prefix, getattr(leaf, 'data_root', None)]
        place = next((str(each) for each in places if each), '')
        kinds.append(f'{type(leaf).__name__}{f" ({place})" if place else ""}')
    own = type(dataset).__name__
    listed = ', '.join(dict.fromkeys(kinds))
    return listed if kinds == [listed] and listed.startswith(own) else f'{own} of {listed}'


class NamedImages:
    """A transform that loads images, whose error names the file that it could not read.

    Args:
        load: mmcv's `LoadImageFromFile` or one like it.
    """

    def __init__(self, load: Any) -> None:
        self.load = load

    def __call__(self, results: dict) -> Any:
        """Load as `load` does.

        Raises:
            ValueError: Instead of whatever the decoder raised.
        """
        path = results.get('img_path', results.get('img'))
        try:
            return self.load(results)
        except Exception as error:  # every decoder has errors of its own
            size = f' of {os.path.getsize(path)} bytes' if isinstance(path, str) and os.path.isfile(path) else ''
            reason = one_line(error)
            raise ValueError(
                f'An image that can be read is needed, got {path}{size}: {reason}. Is it cut short or no image? Replace it, or take it '
                'out of the annotations.') from error

    def __repr__(self) -> str:
        return repr(self.load)


def name_images(dataset: Any) -> Any:
    """Let a data set's errors name the image that cannot be read; the data set itself, changed in place."""
    for leaf in leaves(dataset):
        transforms: Any = getattr(getattr(leaf, 'pipeline', None), 'transforms', None) or []
        for i, each in enumerate(transforms):
            if _loads_images(each):
                transforms[i] = NamedImages(each)
    return dataset


def _loads_images(transform: Any) -> bool:
    from mmcv.transforms import LoadImageFromFile

    return isinstance(transform, LoadImageFromFile)


def _reads_files(leaf: Any) -> bool:
    """Whether its images are files of this machine that have to be there."""
    transforms = getattr(getattr(leaf, 'pipeline', None), 'transforms', None) or ()
    load = next((each for each in (getattr(x, 'load', x) for x in transforms) if _loads_images(each)), None)
    backend = ((load.backend_args or load.file_client_args) or {}).get('backend', 'local') if load is not None else None
    return backend in ('local', 'disk') and not load.ignore_empty  # type: ignore[union-attr]


def _check_file(path: Any, leaf: Any, name: str) -> None:
    if not isinstance(path, str) or '://' in path:
        return
    try:
        size = os.stat(path).st_size
    except OSError as error:
        size, problem = 0, error.strerror
    else:
        problem = 'it is empty' if not size else ''
    if problem:
        raise ValueError(
            f'Every image of the {name} data is needed, got {path} of {described(leaf)}: {problem}. '
            f'Look at {name}_dataloader.dataset (data_root, data_prefix), or take it out of the annotations.')


def _check_indices(leaf: Any, name: str) -> None:
    asked = getattr(leaf, '_indices', None)
    if isinstance(asked, int) and hasattr(leaf, '__len__') and abs(asked) > len(leaf):
        raise ValueError(
            f'Data with {abs(asked)} samples or more are needed for indices={asked}, got {len(leaf)} in {described(leaf)}. Look at indices '
            f'in {name}_dataloader.dataset; without it all are taken.')


def _check_box(each: Any, info: dict[str, Any], leaf: Any) -> None:
    box = each.get('bbox') if isinstance(each, dict) else None
    if box is None:
        return
    numbers = [float(x) for x in box]
    width, height = (info.get(key) or math.inf for key in ('width', 'height'))
    whole = len(numbers) == 4 and all(map(math.isfinite, numbers))
    if not whole or not (numbers[0] <= numbers[2] and numbers[1] <= numbers[3]) or not (
            numbers[0] < width and numbers[1] < height and numbers[2] > 0 and numbers[3] > 0):
        raise ValueError(
            f'Boxes (left, top, right, bottom) of finite numbers, inside their images and without negative sides are needed, got {numbers} '
            f'in {info.get("img_path")} of {described(leaf)}. Correct the annotations.')
