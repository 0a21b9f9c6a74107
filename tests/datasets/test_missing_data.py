"""The sentence for data that are not there: which, where they were looked for, and where to put them."""

import pytest
from mmengine.dataset import BaseDataset

from mmkd_ext.datasets.missing_data import missing_data

ERROR = FileNotFoundError('no such file')


def test_a_data_set_that_can_be_fetched_names_its_archive_and_address():
    said = missing_data(dict(type='mmpretrain.CIFAR10', data_root='data/cifar'), 'train', ERROR)
    assert said.startswith('The train data is needed (CIFAR10 in data/cifar/), got: ') and 'no such file' in said
    assert 'Put cifar-10-python.tar.gz (from https://' in said and 'into data/cifar/, or start once where there is a network.' in said


def test_ours_may_be_images_in_folders_too():
    assert 'or images as train/<class>/*.png and test/<class>/*.png, or start' in missing_data(
        dict(type='mmkd_ext.CIFAR100', data_root='x'), 'val', ERROR)


@pytest.mark.parametrize(('prefix', 'place'), [('train', 'root/train'), (dict(img_path='images'), 'root/images'), (None, 'root/')])
def test_others_name_the_keys_to_look_at(prefix, place):
    said = missing_data(dict(type='mmpretrain.CustomDataset', data_root='root', data_prefix=prefix), 'val', ERROR)
    assert f'(CustomDataset in {place})' in said
    assert said.endswith(f'Look at val_dataloader.dataset (data_root, ann_file, data_prefix), or link the data to {place}.')


def test_what_is_inside_a_wrapper_is_meant_and_an_unknown_type_is_named():
    inner = dict(type='NoSuchData')
    said = missing_data(dict(type='RepeatDataset', dataset=dict(type='ClassBalancedDataset', dataset=inner)), 'train', ERROR)
    assert '(NoSuchData in .)' in said


class Absent(BaseDataset):
    def load_data_list(self):
        raise ERROR


def test_of_several_the_one_that_raised_is_named():
    with pytest.raises(FileNotFoundError) as raised:
        Absent(data_root='second', data_prefix=dict(img_path='here'))
    said = missing_data(dict(type='ConcatDataset', datasets=[dict(type='mmpretrain.CIFAR10'), dict(type='Absent')]), 'train', raised.value)
    assert '(Absent in second/here)' in said and said.endswith('or link the data to second/here.')
