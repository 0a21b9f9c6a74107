"""A data loader's config in mmpretrain's own types."""

from mmkd_ext.datasets.stock import stock_loader

PIPELINE = [dict(type='PackInputs')]


def test_the_stock_loader_has_mmpretrains_types_only():
    ours = dict(
        batch_size=4, collate_fn=dict(type='mmkd_ext.whole_batches'),
        dataset=dict(type='mmkd_ext.CIFAR100', data_root='x', pipeline=PIPELINE, by_batch=True, channels_last=True))
    assert stock_loader(ours) == dict(
        batch_size=4, collate_fn=dict(type='default_collate'), dataset=dict(type='CIFAR100', data_root='x', pipeline=PIPELINE))
