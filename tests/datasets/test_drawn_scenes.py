"""Drawn scenes: boxes and labels of pixels say the same, and the ink lies where they say."""

import numpy as np
import pytest

from mmkd_ext.datasets.drawn_scenes import check_scenes, drawn_scenes, one_of_several_writes


@pytest.mark.parametrize('split', ['train', 'test'])
def test_each_box_is_the_smallest_around_the_pixels_of_its_digit(split):
    counted = 0
    for scene in drawn_scenes(split, 20, 3):
        assert scene.pixels.shape == (128, 128, 3) and scene.labels.shape == (128, 128)
        rest = scene.labels.copy()
        for label, (x, y, width, height) in scene.boxes:
            inside = scene.labels[y : y + height, x : x + width] == 1 + label
            assert inside.any(axis=1).all() | (inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any())
            rest[y : y + height, x : x + width][inside] = 0
            counted += 1
        assert set(np.unique(rest)) <= {0, 255}  # no pixel of a digit outside of its box
    assert counted > 40


def test_ink_is_brighter_than_the_ground_and_its_edge_lies_between():
    for scene in drawn_scenes('train', 10, 0):
        bright = scene.pixels[..., 0].astype(float)
        edge = scene.labels == 255
        digits = (scene.labels > 0) & ~edge
        assert bright[digits].mean() > bright[edge].mean() > bright[scene.labels == 0].mean()
        assert 0.001 < edge.mean() < digits.mean() < 0.5


def test_a_seed_a_split_and_a_number_draw_other_scenes():
    first = [next(drawn_scenes(*x)).pixels for x in (('train', 4, 0), ('train', 4, 0), ('test', 4, 0), ('train', 5, 0), ('train', 4, 1))]
    assert np.array_equal(first[0], first[1])
    assert not any(np.array_equal(first[0], each) for each in first[2:])


def test_a_folder_is_written_whole_or_not_at_all_and_one_that_is_there_stays(tmp_path):
    for text in ('one', 'two'):
        with one_of_several_writes(tmp_path / 'set') as partial:
            (partial / 'file').write_text(text)
    assert (tmp_path / 'set/file').read_text() == 'one'
    with pytest.raises(OSError, match='full'), one_of_several_writes(tmp_path / 'other'):
        raise OSError('full')
    assert [x.name for x in tmp_path.iterdir()] == ['set']


def test_what_cannot_be_drawn_is_said_of_the_data_set():
    with pytest.raises(ValueError, match="Scenes needs split 'train' or 'test' and at least one scene, got 'val' and 3"):
        check_scenes('Scenes', 'val', 3, 0)
