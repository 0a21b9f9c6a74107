"""A COCO file is split by its images and looked at before the work; what cannot be trained on is one sentence."""

import json

import cv2
import numpy as np
import pytest

from mmkd_ext.journey.boxes_file import read_scenes


@pytest.fixture
def content(tmp_path):
    images = [dict(id=i, file_name=f'{i}.png', width=40 + i, height=30) for i in range(10)]
    (tmp_path / 'images').mkdir()
    for each in images:
        cv2.imwrite(str(tmp_path / 'images' / each['file_name']), np.zeros((30, each['width'], 3), np.uint8))
    boxes = [dict(id=i, image_id=i, category_id=5 + i % 2, bbox=[1, 2, 10, 10], area=100, iscrowd=0) for i in range(10)]
    return dict(images=images, annotations=boxes, categories=[dict(id=5, name='owl'), dict(id=6, name='emu'), dict(id=7, name='yak')])


def read(tmp_path, content, val=None, share=0.3, seed=0):
    (tmp_path / 'boxes.json').write_text(json.dumps(content))
    if val is not None:
        (tmp_path / 'val.json').write_text(json.dumps(val))
    return read_scenes(tmp_path / 'boxes.json', tmp_path / 'images', None if val is None else tmp_path / 'val.json', share, seed)


def test_a_share_of_the_images_is_held_back_with_its_boxes_by_the_seed(tmp_path, content):
    scenes = read(tmp_path, content)
    assert len(scenes.train) == 7 and len(scenes.val) == 3 and not set(scenes.train) & set(scenes.val)
    for names, part in ((scenes.train, scenes.train_file), (scenes.val, scenes.val_file)):
        assert [f'{each["image_id"]}.png' for each in part['annotations']] == names and part['categories'] == content['categories']
    assert read(tmp_path, content).val == scenes.val and read(tmp_path, content, seed=1).val != scenes.val
    assert scenes.classes == ('owl', 'emu', 'yak') and scenes.side == 30 and 40 <= scenes.long_side < 50
    assert [note.partition(':')[0] for note in scenes.notes] == ['no --val-data', 'no training image has a box of yak.']


@pytest.mark.parametrize('seed', range(5))
def test_both_parts_have_boxes_where_few_images_have_any(tmp_path, content, seed):
    scenes = read(tmp_path, dict(content, annotations=content['annotations'][:2]), seed=seed)
    assert len(scenes.train_file['annotations']) == len(scenes.val_file['annotations']) == 1


def test_validation_images_of_a_file_of_their_own(tmp_path, content):
    scenes = read(tmp_path, dict(content, images=content['images'][:8], annotations=content['annotations'][:8]),
                  dict(content, images=content['images'][8:], annotations=content['annotations'][8:]))  # fmt: skip
    with pytest.raises(ValueError, match='Boxes in the validation images are needed'):
        read(tmp_path, content, dict(content, annotations=[]))
    assert len(scenes.train) == 8 and scenes.val == ['8.png', '9.png'] and len(scenes.notes) == 1


@pytest.mark.parametrize(('change', 'said'), [
    (lambda c: c.update(categories=[]), 'a name of its own, are needed, got none'),
    (lambda c: c['categories'][0].update(name='emu'), "got 'emu' twice"),
    (lambda c: c.update(annotations=[]), 'Two images or more with boxes'),
    (lambda c: c['annotations'][3].update(category_id=9), 'got category_id 9 of annotation 3'),
    (lambda c: c['annotations'][3].update(category_id=[5]), 'got category_id [5] of annotation 3'),
    (lambda c: c.update(images=c['images'][:1], annotations=c['annotations'][:1]), 'Two images or more'),
    (lambda c: c['images'][2].update(file_name='gone.png'), 'gone.png'), (lambda c: c.pop('images'), '`images`'),
    (lambda c: c['annotations'][0].update(bbox=[1, 2, float('nan'), 3]), 'finite numbers as bbox')])  # fmt: skip
def test_what_cannot_be_trained_on_is_one_sentence(tmp_path, content, change, said):
    change(content)
    with pytest.raises(ValueError, match='needed') as error:
        read(tmp_path, content)
    assert said in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize(('names', 'said'), [(['owl'], 'got no emu, yak'), (['owl', 'emu', 'yak', 'cow'], 'got cow in the former only')])
def test_the_categories_of_the_validation_file_are_those_of_the_other(tmp_path, content, names, said):
    with pytest.raises(ValueError, match=said):
        read(tmp_path, content, dict(content, categories=[dict(id=5 + i, name=name) for i, name in enumerate(names)]))


@pytest.mark.parametrize(('file', 'images', 'said'), [
    ('gone.json', 'images', 'which is not there'), ('images', 'images', 'which is a folder'),
    ('broken.json', 'images', 'got .*broken.json'),
    ('boxes.json', None, 'as --images, got none'), ('boxes.json', 'gone', 'gone, which is not there')])  # fmt: skip
def test_a_file_or_folder_that_is_not_there_is_one_sentence(tmp_path, content, file, images, said):
    (tmp_path / 'broken.json').write_text('{"images": [')
    (tmp_path / 'boxes.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=said):
        read_scenes(tmp_path / file, images and tmp_path / images, None, 0.3, 0)
