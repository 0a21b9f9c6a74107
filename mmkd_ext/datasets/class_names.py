"""Names of the classes of a config's data, as the data set will have them once it is built."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope


def class_names_of(cfg: Config) -> tuple[str, ...] | None:
    """The names of the classes of the training data (without any, of the validation or test data); None where nothing tells them.

    By `metainfo` or `classes` of the data set, by what its type knows, or by its class folders. No annotation and no image is read.

    Args:
        cfg: A whole config.
    """
    for name in ('train', 'val', 'test'):
        dataset = (cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}
        while isinstance(dataset, Mapping) and (dataset.get('dataset') or dataset.get('datasets')):  # RepeatDataset and the like
            dataset = dataset.get('dataset') or dataset['datasets'][0]
        if isinstance(dataset, Mapping) and dataset.get('type'):
            with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmpretrain'):
                return _names_of(dataset)
    return None


def _names_of(dataset: Mapping[str, Any]) -> tuple[str, ...] | None:
    try:
        built = DATASETS.build({**dataset, 'pipeline': [], 'lazy_init': True})
    except Exception:  # a data set without lazy_init, or one that the run's checks have a sentence for
        return _of_type(dataset)
    names = (getattr(built, 'metainfo', None) or {}).get('classes')
    if names is None and getattr(built, 'with_label', False) and not getattr(built, 'ann_file', None):
        folder = Path(getattr(built, 'img_prefix', None) or '')
        names = sorted(each.name for each in os.scandir(folder) if each.is_dir()) if folder.is_dir() else None
    return tuple(map(str, names)) if isinstance(names, list | tuple) and names else None


def _of_type(dataset: Mapping[str, Any]) -> tuple[str, ...] | None:
    kind = dataset['type']
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(None) as registry:  # the scope's, as `build` does
            kind = registry.get(kind)
    given = (dataset.get('metainfo') or {}).get('classes') or (getattr(kind, 'METAINFO', None) or {}).get('classes')
    return tuple(map(str, given)) if isinstance(given, list | tuple) and given else None
