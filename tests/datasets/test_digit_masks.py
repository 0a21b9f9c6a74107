"""DigitMasks: drawn scenes with a label for each pixel, the same bytes for the same seed."""

import hashlib

import cv2
import numpy as np
import pytest

from mmkd_ext.datasets.drawn_scenes import drawn_scenes

pytest.importorskip('mmseg', reason='of the extra seg')


def masks(root, **kwargs):
    from mmkd_ext.datasets.digit_masks import DigitMasks

    return DigitMasks(root=str(root), **{'scenes': 6, 'pipeline': [], **kwargs})


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    found = []
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
        assert len(masks(tmp_path / name, seed=seed)) == 6
        (folder,) = (tmp_path / name).iterdir()  # nothing half-written beside it
        assert folder.name == f'train_6_seed{seed}'
        found.append({str(x.relative_to(folder)): hashlib.sha256(x.read_bytes()).hexdigest() for x in folder.rglob('*.png')})
    assert found[0] == found[1] and len(found[0]) == 12 and all(found[0][name] != found[2][name] for name in found[0])


def test_a_second_use_reads_what_is_there(tmp_path):
    masks(tmp_path)
    path = tmp_path / 'train_6_seed0/labels/00000.png'
    path.write_bytes(b'mine')
    masks(tmp_path)
    assert path.read_bytes() == b'mine'


@pytest.mark.parametrize('split', ['train', 'test'])
def test_files_hold_the_drawn_scenes_and_only_classes_or_255(tmp_path, split):
    data = masks(tmp_path, split=split)
    assert data.metainfo['classes'] == ('ground', *'0123456789') and data.test_mode == (split == 'test')
    for i, scene in enumerate(drawn_scenes(split, 6, 0, (44, 72))):
        info = data.get_data_info(i)
        labels = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        assert np.array_equal(labels, scene.labels) and np.array_equal(cv2.imread(info['img_path']), scene.pixels)
        assert set(np.unique(labels)) - {255} <= set(range(11))


@pytest.mark.parametrize('wrong', [dict(split='val'), dict(scenes=0)])
def test_what_cannot_be_made_is_one_sentence(tmp_path, wrong):
    with pytest.raises(ValueError, match="DigitMasks needs split 'train' or 'test' and at least one scene"):
        masks(tmp_path, **wrong)
