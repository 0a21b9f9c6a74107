"""Names of a config's classes, told before any data are there."""

import pytest
from mmengine.config import Config

from mmkd_ext.datasets.class_names import class_names_of

CIFAR = dict(type='CIFAR10', data_root='absent', split='train')
NAMED = dict(type='CustomDataset', data_root='absent', metainfo=dict(classes=('owl', 'emu')))


def names(**loaders):
    return class_names_of(Config({f'{name}_dataloader': dict(dataset=dataset) for name, dataset in loaders.items()}))


def test_they_are_those_of_the_type_or_of_the_config():
    found = names(train=CIFAR)
    assert len(found) == 10 and found[:2] == ('airplane', 'automobile')
    assert names(train={**CIFAR, 'metainfo': dict(classes=['a', 'b'])}) == ('a', 'b') and names(train=NAMED) == ('owl', 'emu')
    assert names(train=dict(type='mmkd_ext.Digits', split='train')) == tuple('0123456789')


def test_the_training_data_go_before_the_others():
    assert names(train=NAMED, val=CIFAR) == ('owl', 'emu') == names(test=NAMED) and names(val=CIFAR, test=NAMED)[0] == 'airplane'


def test_what_wraps_data_is_looked_into():
    repeated = dict(type='RepeatDataset', times=2, dataset=NAMED)
    assert names(train=repeated) == ('owl', 'emu')
    assert names(train=dict(type='ConcatDataset', datasets=[repeated, CIFAR])) == ('owl', 'emu')


def test_class_folders_are_classes_in_their_order(tmp_path):
    for name in ('train/owl', 'train/emu', 'train/hen'):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / 'train/notes.txt').touch()
    data = dict(type='CustomDataset', data_root=str(tmp_path), data_prefix='train')
    assert names(train=data) == ('emu', 'hen', 'owl')
    assert names(train={**data, 'data_prefix': 'absent'}) is None


@pytest.mark.parametrize('dataset', [
    {}, dict(type='NoSuchData'), dict(type='CustomDataset', ann_file='absent.txt'), [1], dict(type='CustomDataset', with_label=False)])
def test_where_nothing_tells_them_there_are_none(dataset):
    assert names(train=dataset) is None


def test_a_type_that_cannot_be_built_still_has_what_the_config_says():
    assert names(train=dict(type='NoSuchData', metainfo=dict(classes=['a', 3]))) == ('a', '3')
    assert names(train={**CIFAR, 'split': 'no such split'})[0] == 'airplane'
