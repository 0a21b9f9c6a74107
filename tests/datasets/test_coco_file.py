"""An annotation file in COCO's format is looked at once: what mmdet would skip without a word is refused or told."""

import copy
import json
import math

import pytest

from mmkd_ext.datasets.coco_file import check_content

GOOD = dict(
    images=[dict(id=k, file_name=f'{k}.png', width=64, height=32) for k in (1, 2)],
    categories=[dict(id=3, name='a')],
    annotations=[
        dict(id=5, image_id=1, category_id=3, bbox=[1, 2, 30, 10.5], area=315, iscrowd=0, segmentation=[[1, 2, 31, 2, 31, 12]]),
        dict(id=6, image_id=2, category_id=3, bbox=[0, 0, 64, 32], area=2048, iscrowd=1,
             segmentation=dict(size=[32, 64], counts=[0, 2048])),
        dict(id=7, image_id=2, category_id=3, bbox=[63, 30, 1.5, 2], area=3)])  # fmt: skip


def changed(key, index=0, **values):
    content = copy.deepcopy(GOOD)
    content[key][index].update(values)
    return content


def without(key, field):
    content = copy.deepcopy(GOOD)
    del content[key][0][field]
    return content


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr('mmkd_ext.datasets.coco_file.print_log', lambda text, *_: lines.append(text))
    return lines


def test_a_good_file_is_taken_without_a_word(said):
    check_content(GOOD, 'boxes.json')
    strings = json.loads(json.dumps(GOOD))
    for each in strings['images']:
        each['id'] = str(each['id'])
    for each in strings['annotations']:
        each['image_id'] = str(each['image_id'])
    check_content(strings, 'boxes.json')
    check_content({key: GOOD[key] for key in ('images', 'categories')}, 'test-dev.json')
    assert said == []


INF, NAN = math.inf, math.nan
BAD = {
    'infinite width': (changed('annotations', bbox=[1, 2, INF, 5]), r'finite numbers as bbox.*\[1, 2, inf, 5\] of annotation 5.*1\.png'),
    'NaN': (changed('annotations', bbox=[NAN, 2, 3, 5]), 'finite numbers as bbox'),
    'an integer beyond floats': (changed('annotations', bbox=[10**400, 2, 3, 5]), 'finite numbers as bbox'),
    'words': (changed('annotations', bbox=['1', 2, 3, 5]), 'finite numbers as bbox'),
    'truths': (changed('annotations', bbox=[True, 2, 3, 5]), 'finite numbers as bbox'),
    'three numbers': (changed('annotations', bbox=[1, 2, 3]), 'Four finite numbers'),
    'no box': (without('annotations', 'bbox'), 'Four finite numbers as bbox are needed, got None'),
    'negative': (changed('annotations', bbox=[10, 10, -5, 5]), 'without negative sides'),
    'outside to the right': (changed('annotations', bbox=[64, 2, 5, 5]), r'inside its image is needed.*64 x 32 pixels'),
    'outside below': (changed('annotations', bbox=[2, 32, 5, 5]), 'inside its image'),
    'outside to the left': (changed('annotations', bbox=[-9, 2, 5, 5]), 'inside its image'),
    'infinite area': (changed('annotations', area=INF), 'A finite area'),
    'no area': (without('annotations', 'area'), 'A finite area of 0 or more is needed, got None'),
    'negative area': (changed('annotations', area=-4), 'A finite area'),
    'a word for iscrowd': (changed('annotations', iscrowd='0'), "iscrowd 0 or 1 is needed, got '0'"),
    'infinite polygon': (changed('annotations', segmentation=[[1, 2, INF, 2, 3, 4]]), 'Polygons of finite numbers'),
    'far polygon': (changed('annotations', segmentation=[[1, 2, 1e9, 2, 3, 4]]), 'A segmentation inside its image'),
    'runs of another size': (changed('annotations', segmentation=dict(size=[64, 32], counts=[2048])), r'of size \[32, 64\]'),
    'runs too long': (changed('annotations', segmentation=dict(size=[32, 64], counts=[4096])), r'of size \[32, 64\]'),
    'strings for ids of images': (changed('images', id='1'), r"image_id 1 of annotation 5.*ids as '1'.*without a word"),
    'an unknown image': (changed('annotations', image_id=9), 'image_id 9 of annotation 5'),
    'an image twice': (changed('images', id=2), 'got 2 twice'),
    'an annotation twice': (changed('annotations', id=7), 'got 7 twice'),
    'no id': (without('annotations', 'id'), 'An id .* got None'),
    'no file name': (without('images', 'file_name'), 'file_name=None'),
    'no width': (without('images', 'width'), 'width=None'),
    'no height in pixels': (changed('images', height=0), 'height=0'),
    'no name of a category': (without('categories', 'name'), 'Categories with a name'),
    'no images': ({**GOOD, 'images': []}, 'Images are needed, got none in boxes.json'),
    'no list of images': ({'annotations': []}, 'without a list of dicts `images`'),
    'a list': ([], 'without a list of dicts'),
    'numbers for annotations': ({**GOOD, 'annotations': [1, 2]}, 'without a list of dicts `annotations`'),
}


@pytest.mark.parametrize(('content', 'text'), BAD.values(), ids=BAD)
def test_what_cannot_be_trained_on_is_refused(content, text):
    with pytest.raises(ValueError, match=text):
        check_content(content, 'boxes.json')


def test_boxes_that_mmdet_leaves_out_or_cuts_off_are_told_in_one_line_each(said):
    content = copy.deepcopy(GOOD)
    content['annotations'][0]['bbox'] = [1, 2, 30, 0]  # as there are two in COCO's own training set
    content['annotations'][1]['bbox'] = [40, 2, 30, 10]
    check_content(content, 'boxes.json')
    assert len(said) == 2 and said[0].startswith('1 boxes in boxes.json reach beyond') and 'annotation 6' in said[0]
    assert said[1].startswith('1 boxes in boxes.json are left out') and 'annotation 5' in said[1]


def test_corners_in_place_of_sides_are_noticed():
    content = copy.deepcopy(GOOD)
    for each in content['annotations']:
        each['bbox'] = [30, 10, 60, 30]
    with pytest.raises(ValueError, match='got 3 of 3 that reach beyond the border .*two corners'):
        check_content(content, 'boxes.json')
