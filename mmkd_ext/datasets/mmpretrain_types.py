"""Our data sets in a config written in mmpretrain's own types, as an export needs them."""

import copy
from collections.abc import Mapping
from typing import Any

from mmkd_ext.config.named_types import name_of

_OURS = ('by_batch', 'device', 'channels_last')  # options of InMemory
_STOCK = {f'mmkd_ext.{name}': name for name in ('CIFAR10', 'CIFAR100', 'CustomDataset', 'FashionMNIST')}


def stock_dataset(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The same data by mmpretrain's class; other datasets, and what wrappers hold, accordingly."""
    if 'datasets' in dataset:
        return {**dataset, 'datasets': [stock_dataset(each) for each in dataset['datasets']]}
    if 'dataset' in dataset:
        return {**dataset, 'dataset': stock_dataset(dataset['dataset'])}
    kind = name_of(dataset.get('type'))
    if kind not in _STOCK:
        return copy.deepcopy(dict(dataset))
    plain = {key: copy.deepcopy(value) for key, value in dataset.items() if key not in _OURS}
    return {**plain, 'type': _STOCK[kind]}


def stock_loader(loader: Mapping[str, Any]) -> dict[str, Any]:
    """The same loader without our collate function."""
    plain = copy.deepcopy(dict(loader))
    if isinstance(plain.get('dataset'), Mapping):
        plain['dataset'] = stock_dataset(plain['dataset'])
    if name_of((plain.get('collate_fn') or {}).get('type')) == 'mmkd_ext.whole_batches':
        plain['collate_fn'] = dict(type='default_collate')
    return plain
