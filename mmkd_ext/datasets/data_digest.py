"""A digest of what a data set holds: other labels, boxes or images give another one."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Subset


def data_digest(dataset: Any) -> str:
    """A digest of every sample's labels, and of its image: the file's name, size and time of change, or the pixels where it is in memory.

    A data set of another kind than mmengine's is known by its length, and by the labels that it has as `targets`.
    """
    seen = hashlib.sha256()
    _add_dataset(seen, dataset)
    return seen.hexdigest()[:16]


def _add_dataset(seen: Any, dataset: Any) -> None:
    seen.update(f'{type(dataset).__name__} {len(dataset)}'.encode())
    if isinstance(dataset, Subset):
        _add(seen, list(dataset.indices))
        _add_dataset(seen, dataset.dataset)
    elif hasattr(dataset, 'datasets') or hasattr(dataset, 'dataset'):  # ConcatDataset, RepeatDataset
        for each in getattr(dataset, 'datasets', None) or [dataset.dataset]:
            _add_dataset(seen, each)
    elif hasattr(dataset, 'get_data_info'):
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
        _add(seen, dict(getattr(dataset, 'metainfo', None) or {}))
        for i in range(len(dataset)):
            _add(seen, {key: value for key, value in dataset.get_data_info(i).items() if key != 'sample_idx'})
    else:
        for key in ('targets', 'labels'):
            _add(seen, getattr(dataset, key, None))


def _add(seen: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            seen.update(str(key).encode())
            if str(key).endswith('path') and isinstance(value[key], str):
                _add_file(seen, value[key])
            _add(seen, value[key])
    elif isinstance(value, list | tuple):
        seen.update(f'{len(value)}['.encode())
        for each in value:
            _add(seen, each)
    elif isinstance(value, np.ndarray | Tensor):
        array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
        seen.update(f'{array.dtype}{array.shape}'.encode())
        seen.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    elif isinstance(value, bytes | bytearray):
        seen.update(value)
    else:
        seen.update(f'{type(value).__name__} {value if isinstance(value, str | int | float | bool | None) else ""};'.encode())


def _add_file(seen: Any, path: str) -> None:
    try:
        state = os.stat(path)
    except OSError:  # an address, or a file that is not there, of which reading will speak
        return
    seen.update(f'{state.st_size} {state.st_mtime_ns}'.encode())
