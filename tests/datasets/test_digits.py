"""The embedded digits: real, disjoint, deterministic, and of the form that the zoo's pipelines take."""

import numpy as np
import pytest
from mmengine.registry import DATASETS

from mmkd_ext.datasets import Digits


def items(**kwargs):
    data = Digits(**kwargs)
    return [data[i] for i in range(len(data))]


def test_sizes_types_and_classes():
    train, test = Digits(split='train', size=16), Digits(split='test', size=16)
    assert (len(train), len(test)) == (1000, 797)
    assert train.metainfo['classes'] == tuple('0123456789')
    image = train[0]['img']
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    assert all(np.array_equal(image[..., 0], image[..., c]) for c in (1, 2))
    assert np.concatenate([item['img'] for item in items()]).max() == 255


def test_the_two_parts_share_no_image_and_are_all_of_them():
    from sklearn.datasets import load_digits

    original = sorted(image.tobytes() for image in (load_digits().images * (255 / 16)).round().astype(np.uint8))
    parts = [item['img'][..., 0].tobytes() for split in ('train', 'test') for item in items(split=split, size=8)]
    assert sorted(parts) == original


def test_every_class_has_the_same_share_in_both_parts():
    train, test = (np.bincount([item['gt_label'] for item in items(split=split)]) for split in ('train', 'test'))
    np.testing.assert_allclose(test / (train + test), 0.4435, atol=0.004)


def test_fewer_samples_per_class_are_balanced_nested_and_chosen_by_the_seed():
    few, more, other = (
        {(item['gt_label'], item['img'].tobytes()) for item in items(samples_per_class=n, seed=seed)}
        for n, seed in ((4, 0), (7, 0), (4, 1))
    )
    assert np.bincount([label for label, _ in few]).tolist() == [4] * 10
    assert few < more and few != other
    assert few == {(item['gt_label'], item['img'].tobytes()) for item in items(samples_per_class=4)}


def test_the_registry_builds_it_by_its_prefixed_name_with_a_pipeline():
    data = DATASETS.build(dict(type='mmkd_ext.Digits', split='test', pipeline=[dict(type='mmpretrain.PackInputs')]))
    packed = data[5]
    assert packed['inputs'].shape == (3, 16, 16) and 0 <= packed['data_samples'].gt_label.item() < 10


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (dict(split='val'), "'train' or 'test'"),
        (dict(size=4), 'size >= 8'),
        (dict(samples_per_class=0), 'samples_per_class >= 1'),
        (dict(samples_per_class=98), 'samples_per_class <= 97'),
        (dict(split='test', samples_per_class=3), "split='train'"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        Digits(**arguments)
