"""The errors for data that is not where a config says, and for annotations that its data set cannot read."""

import os
import traceback
from collections.abc import Mapping
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from mmkd_ext.explain.sentences import one_line


def missing_data(cfg: Mapping[str, Any], name: str, error: Exception) -> str:
    """The sentence for a data set whose building raised an error.

    Args:
        cfg: Of the data set; of several in one, that which raised the error is named.
        name: 'train', 'val' or 'test'.
        error: What was raised.
    """
    while 'dataset' in cfg:  # RepeatDataset and its like
        cfg = cfg['dataset']
    kind, root, prefix = cfg.get('type'), cfg.get('data_root'), cfg.get('data_prefix')
    for frame, _ in traceback.walk_tb(error.__traceback__):
        asked = frame.f_locals.get('self')
        if isinstance(asked, BaseDataset):
            kind, joined = type(asked), getattr(asked, 'data_prefix', None)
            root, prefix = (None, joined) if joined else (getattr(asked, 'data_root', root), prefix)  # mmengine joins the root to it
    if isinstance(prefix, Mapping):
        prefix = next(iter(prefix.values()), '')
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(None) as registry:
            kind = registry.get(kind) or kind
    place = os.path.join(root or '', prefix if isinstance(prefix, str) else '') or '.'
    file, url = getattr(kind, 'filename', None), getattr(kind, 'url', None)
    if file and url:
        folders = 'or images as train/<class>/*.png and test/<class>/*.png, ' if hasattr(kind, 'class_folders') else ''
        where = f'Put {file} (from {url}) into {place}, {folders}or start once where there is a network.'
    else:
        where = f'Look at {name}_dataloader.dataset (data_root, ann_file, data_prefix), or link the data to {place}.'
    return f'The {name} data is needed ({getattr(kind, "__name__", kind)} in {place}), got: {one_line(error)}. {where}'


def unreadable_annotations(name: str, error: Exception) -> str | None:
    """The sentence for an annotation file that is there and of another format; None for any other error.

    Args:
        name: 'train', 'val' or 'test'.
        error: What was raised while the data set was built.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, FileNotFoundError) or not frames or str(frames[-1].f_globals.get('__name__')).startswith('mmkd_ext.'):
        return None  # the latter: a sentence of ours
    for frame in frames:
        asked: Any = frame.f_locals.get('self')
        if frame.f_code.co_name == 'load_data_list' and isinstance(asked, BaseDataset) and getattr(asked, 'ann_file', None):
            entry = frame.f_locals.get('sample', frame.f_locals.get('raw_data_info'))  # as mmpretrain's and mmengine's loops name it
            at = '' if entry is None else f' at {entry!r:.100}'
            return (
                f'Annotations that {type(asked).__name__} can read are needed, got {asked.ann_file}{at}: {one_line(error)}. Is it of '
                f'another format, or cut short? Look at ann_file of {name}_dataloader.dataset.')
    return None
