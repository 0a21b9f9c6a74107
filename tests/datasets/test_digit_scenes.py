"""DigitScenes: real digits, true boxes, the same bytes for the same seed."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmkd_ext.datasets.digits import Digits


def scenes(root, **kwargs):
    from mmkd_ext.datasets.digit_scenes import DigitScenes

    return DigitScenes(root=str(root), **{'scenes': 12, 'pipeline': [], **kwargs})


def files(folder: Path) -> dict[str, str]:
    return {x.name: hashlib.sha256(x.read_bytes()).hexdigest() for x in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
        assert len(scenes(tmp_path / name, seed=seed)) == 12
    a, b, c = (files(next((tmp_path / name).iterdir())) for name in 'abc')
    assert a == b and len(a) == 13
    assert all(a[name] != c[name] for name in a)
    assert [x.name for x in (tmp_path / 'a').iterdir()] == ['train_12_seed0']  # nothing half-written beside it


def test_a_second_use_reads_what_is_there(tmp_path):
    scenes(tmp_path)
    path = tmp_path / 'train_12_seed0/00000.png'
    path.write_bytes(b'mine')
    scenes(tmp_path)
    assert path.read_bytes() == b'mine'


@pytest.mark.parametrize('split', ['train', 'test'])
def test_boxes_hold_a_digit_of_their_class_and_the_splits_share_none(tmp_path, split):
    found = scenes(tmp_path, split=split, scenes=15)
    originals = {s: Digits(split=s, size=8, pipeline=[]).load_data_list() for s in ('train', 'test')}
    labels, nearest, closer = set(), [], []
    for i in range(len(found)):
        info = found.get_data_info(i)
        pixels = cv2.imread(info['img_path'])
        assert pixels.shape == (128, 128, 3) and 1 <= len(info['instances']) <= 5
        for each in info['instances']:
            x0, y0, x1, y1 = map(int, each['bbox'])
            assert 0 <= x0 < x1 <= 128 and 0 <= y0 < y1 <= 128
            labels.add(each['bbox_label'])
            crop = pixels[y0:y1, x0:x1, 0].astype(float)
            edges = [crop[0].max(), crop[-1].max(), crop[:, 0].max(), crop[:, -1].max()]
            assert min(edges) > 40  # ink on every side: the box is tight
            likeness = {
                s: [(_likeness(crop, one['img'][..., 0]), one['gt_label']) for one in originals[s][::2]] for s in originals}
            nearest.append(max(likeness[split])[1] == each['bbox_label'])
            closer.append(max(likeness[split])[0] - max(likeness['test' if split == 'train' else 'train'])[0])
    assert np.mean(nearest) > 0.8  # by half of the originals; enlarged to another size they are not the same pixels
    assert np.mean(closer) > 0
    assert len(labels) > 7


def _likeness(crop: np.ndarray, digit: np.ndarray) -> float:
    """Correlation of a crop with a digit's own box."""
    ink = digit.astype(np.float32)
    ink = ink[np.ix_((ink >= 80).any(axis=1), (ink >= 80).any(axis=0))]
    large = cv2.resize(ink, crop.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return float(np.corrcoef(large.ravel(), crop.ravel())[0, 1])


def test_boxes_of_a_scene_do_not_overlap(tmp_path):
    scenes(tmp_path)
    content = json.loads((tmp_path / 'train_12_seed0/annotations.json').read_text())
    for image in content['images']:
        mask = np.zeros((128, 128), dtype=int)
        for x, y, w, h in [a['bbox'] for a in content['annotations'] if a['image_id'] == image['id']]:
            mask[y : y + h, x : x + w] += 1
        assert mask.max() == 1


@pytest.mark.parametrize('wrong', [dict(split='val'), dict(scenes=0)])
def test_what_cannot_be_made_is_one_sentence(tmp_path, wrong):
    with pytest.raises(ValueError, match="needs split 'train' or 'test' and at least one scene"):
        scenes(tmp_path, **wrong)
