"""What a folder of images holds, and a sentence for each way in which it can be wrong."""

from collections import Counter

import pytest
from support.image_folders import colour_folder

from mmkd_ext.errors import PreflightError
from mmkd_ext.journey.image_folder import read_images

BOTH = {f'{part}/{name}': count for part, count in (('train', 3), ('val', 2)) for name in ('owl', 'snowy owl', '2-day cat')}


def test_train_and_val_are_read_as_they_are_whatever_the_classes_are_called(tmp_path):
    (tmp_path / 'notes.txt').write_text('no image')
    images = read_images(colour_folder(tmp_path, BOTH, side=20), 0.2, 0)
    assert images.classes == ('2-day cat', 'owl', 'snowy owl') and images.side == 20 and images.notes == ()
    assert images.train[0] == ('train/2-day cat/0.png', 0) and images.val[-1] == ('val/snowy owl/1.png', 2)
    assert Counter(label for _, label in images.train) == {0: 3, 1: 3, 2: 3} and len(images.val) == 6


@pytest.mark.parametrize('part', ['', 'train/'])
def test_one_folder_is_split_by_a_seed_the_same_share_of_each_class(tmp_path, part):
    folder = colour_folder(tmp_path, {f'{part}a': 10, f'{part}b': 30, f'{part}c': 2})
    first, again, other = (read_images(folder, 0.2, seed) for seed in (0, 0, 1))
    assert Counter(label for _, label in first.val) == {0: 2, 1: 6, 2: 1}
    assert not set(first.train) & set(first.val) and len(first.train) + len(first.val) == 42
    assert first == again and first.val != other.val and '20%' in first.notes[0]


def test_a_class_that_val_lacks_is_said(tmp_path):
    folder = colour_folder(tmp_path, {**BOTH, 'train/finch': 2})
    assert 'finch' in read_images(folder, 0.2, 0).notes[0]


def refused(folder, *words):
    with pytest.raises(PreflightError) as error:
        read_images(folder, 0.2, 0)
    text = str(error.value)
    assert all(str(word) in text for word in words) and text.endswith(('.', '?')) and '\n' not in text, text


def test_what_cannot_be_trained_on_is_one_sentence(tmp_path):
    refused(tmp_path / 'nowhere', 'not there')
    (tmp_path / 'coco.json').write_text('{}')
    refused(tmp_path / 'coco.json', 'a file')
    refused(colour_folder(tmp_path / 'one', {'train/cat': 3, 'val/cat': 1}), 'Two classes', 'cat')
    (tmp_path / 'none').mkdir()
    refused(tmp_path / 'none', 'Two classes', 'none')
    refused(colour_folder(tmp_path / 'flat', {'': 3}), 'A folder for each class', 'flat')
    refused(colour_folder(tmp_path / 'nested', {'cat': 3, 'dog/2021': 3}), 'dog/2021', 'directly')
    refused(colour_folder(tmp_path / 'deep', {'all/cat': 3, 'all/dog': 3}), 'one level too high')
    refused(colour_folder(tmp_path / 'more', {'train/cat': 2, 'train/dog': 2, 'val/cat': 2, 'val/dgo': 2}), 'dgo', 'spelling')
    refused(colour_folder(tmp_path / 'alone', {'val/cat': 2, 'val/dog': 2}), 'train beside val')
    refused(colour_folder(tmp_path / 'few', {'cat': 4, 'dog': 1}), 'Two images or more', 'dog')
    refused(colour_folder(tmp_path / 'space', {'cat': 4, 'dog ': 4}), 'spaces at their ends')
    colour_folder(tmp_path / 'empty', {'cat': 4, 'dog': 4})
    (tmp_path / 'empty/owl').mkdir()
    refused(tmp_path / 'empty', 'got none in', 'owl')


@pytest.mark.parametrize('content', [b'', b'no image', 'cut'])
def test_images_that_cannot_be_read_are_named(tmp_path, content):
    folder = colour_folder(tmp_path, BOTH)
    bad = folder / 'val/owl/1.png'
    bad.write_bytes(bad.read_bytes()[:30] if content == 'cut' else content)
    refused(folder, 'val/owl/1.png', '1 of 15')
