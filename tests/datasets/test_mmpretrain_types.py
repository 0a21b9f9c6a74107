"""A data loader's config in mmpretrain's own types."""

import copy

from mmkd_ext.datasets import CIFAR10
from mmkd_ext.datasets.mmpretrain_types import stock_dataset, stock_loader

PIPELINE = [dict(type='PackInputs')]


def test_the_stock_loader_has_mmpretrains_types_only():
    ours = dict(
        batch_size=4, collate_fn=dict(type='mmkd_ext.whole_batches'),
        dataset=dict(type='mmkd_ext.CIFAR100', data_root='x', pipeline=PIPELINE, by_batch=True, channels_last=True))
    assert stock_loader(ours) == dict(
        batch_size=4, collate_fn=dict(type='default_collate'), dataset=dict(type='CIFAR100', data_root='x', pipeline=PIPELINE))


def test_what_wrappers_hold_is_rewritten_and_other_data_are_copied():
    ours, other = dict(type=CIFAR10, data_root='x', by_batch=True), dict(type='CustomDataset', device='a key of its own', pipeline=[{}])
    config = dict(type='ConcatDataset', datasets=[dict(type='RepeatDataset', times=2, dataset=ours), other])
    before = copy.deepcopy(config)
    found = stock_dataset(config)
    assert found == dict(type='ConcatDataset', datasets=[
        dict(type='RepeatDataset', times=2, dataset=dict(type='CIFAR10', data_root='x')), other])
    found['datasets'][1]['pipeline'].append(1)
    assert config == before


def test_a_loader_of_mmpretrains_own_stays_as_it_is():
    loader = dict(batch_size=4, dataset=dict(type='CIFAR10'), collate_fn=dict(type='default_collate'), sampler=dict(shuffle=True))
    assert stock_loader(loader) == loader and stock_loader(dict(batch_size=4)) == dict(batch_size=4)
