"""Checks of annotation files in COCO's format while mmdet reads them: their categories against the data set's classes."""

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from logging import WARNING
from typing import Any

from mmengine.logging import print_log

from .coco_file import check_content

_SHOWN = 5


@contextmanager
def categories_checked() -> Iterator[None]:
    """Look at each annotation file in COCO's format while a data set or a metric of mmdet reads it, so that none is read twice.

    A category that the file knows and the data set's classes leave out is told in one line, since a subset may be meant.

    Raises:
        ValueError: While a file is read: as `check_content`; annotations whose category the file does not list, or none that
            belongs to a class.
    """
    from mmdet.datasets import CocoDataset

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that faster_coco_eval is absent: pycocotools is enough
        from mmdet.evaluation.metrics import coco_metric

    of_data: Any = CocoDataset.COCOAPI
    of_metric: Any = coco_metric.COCO

    class CheckedFile(_Checked, of_metric):
        """A metric's reader."""

    class CheckedData(_Checked, of_data):
        """A data set's reader; it is asked for the classes' ids once, after it has read the file."""

        def get_cat_ids(self, cat_names: Any = (), **kwargs: Any) -> list[int]:
            found = super().get_cat_ids(cat_names=cat_names, **kwargs)
            _tell_left_out(self._used, self.cats, found, cat_names, self._file)
            return found

    CocoDataset.COCOAPI, coco_metric.COCO = CheckedData, CheckedFile
    try:
        yield
    finally:
        CocoDataset.COCOAPI, coco_metric.COCO = of_data, of_metric


class _Checked:
    """A mixin for mmdet's readers that checks the content before it is indexed."""

    def __init__(self, annotation_file: Any = None) -> None:
        self._file = annotation_file
        try:
            super().__init__(annotation_file)  # type: ignore[call-arg]
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f'An annotation file in JSON is needed, got {annotation_file}: {error}. Is it cut short?') from error

    def createIndex(self) -> None:  # noqa: N802 - pycocotools calls it when the file is read
        content = self.dataset  # type: ignore[attr-defined]
        check_content(content, self._file)
        self._used = Counter(each.get('category_id') for each in content.get('annotations', ()))
        _refuse_unknown(self._used, {each['id']: each for each in content['categories']}, self._file)
        super().createIndex()  # type: ignore[misc]


def _refuse_unknown(used: Counter, categories: dict[Any, dict], file: Any) -> None:
    unknown = {key: number for key, number in used.items() if key not in categories}
    if unknown:
        listed = ', '.join(f'{key!r} of {number}' for key, number in list(unknown.items())[:_SHOWN])
        raise ValueError(
            f'Annotations of listed categories are needed, got category_id {listed} in {file}, whose categories are '
            f'{_names(categories.values())}. Correct the file: mmdet would skip these boxes without a word.')


def _tell_left_out(used: Counter, categories: dict[Any, dict], found: list, names: Any, file: Any) -> None:
    left_out = [categories[key] for key in used if key not in found]
    if used and len(left_out) == len(used):
        raise ValueError(
            f'Annotations of the classes {", ".join(map(str, names))} are needed, got only {_names(left_out)} in {file}. Look at '
            'metainfo (classes) of the data set.')
    if left_out:
        boxes = sum(used[each['id']] for each in left_out)
        print_log(f'{boxes} boxes of {_names(left_out)} in {file} are no class of the data set and are left out.', 'current', WARNING)


def _names(categories: Any) -> str:
    names = [str(each.get('name', each['id'])) for each in categories]
    return ', '.join(names[:_SHOWN]) + (f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else '') or 'none'
