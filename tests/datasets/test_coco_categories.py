"""Annotations of no known category are refused, those that the classes leave out are told in one line."""


import pytest
from mmdet.datasets import CocoDataset
from support.coco_boxes import data_set

from mmkd_ext.datasets.coco_categories import categories_checked


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr('mmkd_ext.datasets.coco_categories.print_log', lambda text, *_: lines.append(text))
    return lines


def test_a_category_that_the_file_does_not_list_is_refused(tmp_path):
    used = [1, 7, 7, 2, 9]
    assert len(data_set(tmp_path, used, ('a', 'b', 'c')).get_data_info(0)['instances']) == 2  # mmdet alone: without a word
    said = r'got category_id 7 of 2, 9 of 1 in .*boxes.json, whose categories are a, b, c'
    with categories_checked(), pytest.raises(ValueError, match=said):
        data_set(tmp_path, used, ('a', 'b', 'c'))


def test_a_subset_is_told_in_one_line_and_all_or_nothing_is_not(tmp_path, said):
    with categories_checked():
        found = data_set(tmp_path, [1, 2, 3, 3], ('a', 'b'))
        assert len(found.get_data_info(0)['instances']) == 2
        assert len(said) == 1 and said[0].startswith('2 boxes of c in ') and 'left out' in said[0]
        data_set(tmp_path, [1, 2], ('a', 'b'))  # c is listed, and nothing is of it
        data_set(tmp_path, [1, 2, 3], ('c', 'b', 'a'))
        data_set(tmp_path, [], ('a',))
        assert len(said) == 1
        with pytest.raises(ValueError, match='Annotations of the classes A, B are needed, got only a, b in .*metainfo'):
            data_set(tmp_path, [1, 2], ('A', 'B'))


def test_the_host_s_reader_is_left_as_it_was(tmp_path):
    before = CocoDataset.COCOAPI
    with pytest.raises(ValueError, match='category_id 5'), categories_checked():
        data_set(tmp_path, [5], ('a',))
    assert CocoDataset.COCOAPI is before
