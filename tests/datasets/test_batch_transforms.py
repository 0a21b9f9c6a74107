"""Crops and flips of whole batches are mmpretrain's image by image, drawn with the same distribution."""

import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile, RandomFlip
from mmpretrain.datasets.transforms import ColorJitter, PackInputs, RandomCrop

from mmkd_ext.datasets.batch_transforms import BatchCrop, BatchFlip, by_batch

H, W = 5, 6


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (8, H, W, 3), dtype=np.uint8)


def applied(transform, images, drawn):
    return transform.apply(torch.from_numpy(images), [torch.from_numpy(row) for row in drawn]).numpy()


@pytest.mark.parametrize('padding', [None, 2, (1, 3), (1, 2, 3, 0)])
def test_crops_are_mmpretrains(images, padding):
    theirs = RandomCrop(crop_size=(3, 4), padding=padding)
    _, (ours,) = by_batch([theirs, PackInputs()])
    assert ours.fit(H, W) == (3, 4)
    np.random.seed(0)
    tops, lefts = drawn = ours.draw(len(images))
    found = applied(ours, images, drawn)
    for image, top, left, mine in zip(images, tops, lefts, found, strict=True):
        theirs.rand_crop_params = lambda img, top=top, left=left: (top, left, 3, 4)
        np.testing.assert_array_equal(mine, theirs(dict(img=image))['img'])


def test_a_crop_by_hand(images):
    crop = BatchCrop((3, 4), padding=(1, 2, 3, 0))
    crop.fit(H, W)
    assert crop.room == (H + 2 + 0 - 3, W + 1 + 3 - 4)
    (mine,) = applied(crop, images[:1], [np.array([4]), np.array([0])])
    padded = np.pad(images[0], ((2, 0), (1, 3), (0, 0)))
    np.testing.assert_array_equal(mine, padded[4:7, 0:4])
    assert (mine[:, 0] == 0).all()


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 1), ('vertical', 0)])
def test_the_drawn_images_are_flipped_and_the_others_not(images, direction, axis):
    loads, (flip,) = by_batch([RandomFlip(prob=0.5, direction=direction), PackInputs()])
    assert loads == [] and flip.fit(H, W) == (H, W)
    drawn = np.array([1, 0, 0, 1, 1, 0, 1, 0])
    for image, flipped, mine in zip(images, drawn, applied(flip, images, [drawn]), strict=True):
        np.testing.assert_array_equal(mine, np.flip(image, axis) if flipped else image)


def test_offsets_and_flips_have_the_pipelines_distribution():
    crop, flip = BatchCrop((32, 32), (4, 4, 4, 4)), BatchFlip(0.5)
    crop.fit(32, 32)
    np.random.seed(0)
    for offsets in crop.draw(90_000):  # nine values, each with a deviation of about 94
        assert np.abs(np.bincount(offsets, minlength=9) - 10_000).max() < 500 and offsets.max() == 8
    assert abs(flip.draw(90_000)[0].mean() - 0.5) < 0.01
    assert BatchFlip(0.0).draw(100)[0].sum() == 0 and BatchFlip(1.0).draw(100)[0].sum() == 100


def test_what_loads_is_told_apart_from_what_is_drawn():
    load = LoadImageFromFile()
    loads, drawn = by_batch([load, RandomFlip(0.5), RandomCrop(4), PackInputs()])
    assert loads == [load] and [type(each) for each in drawn] == [BatchFlip, BatchCrop]


@pytest.mark.parametrize(('pipeline', 'said'), [
    ([RandomCrop(4, padding=4, pad_if_needed=True), PackInputs()], 'without pad_if_needed .*got RandomCrop'),
    ([RandomCrop(4, padding=4, pad_val=(1, 2, 3)), PackInputs()], 'with pad_val=0'),
    ([RandomCrop(4, padding=4, padding_mode='reflect'), PackInputs()], "with padding_mode='constant'"),
    ([RandomCrop(4, padding=4, pad_val=7), PackInputs()], 'with pad_val=0'),
    ([RandomFlip(0.5, direction='diagonal'), PackInputs()], 'one direction, horizontal or vertical'),
    ([RandomFlip([0.5, 0.2], direction=['horizontal', 'vertical']), PackInputs()], 'one prob'),
    ([ColorJitter(), PackInputs()], 'got ColorJitter'), ([RandomCrop(4), LoadImageFromFile(), PackInputs()], 'got LoadImageFromFile'),
    ([RandomCrop(4)], 'ends in PackInputs'), ([], 'ends in PackInputs'),
    ([PackInputs(algorithm_keys=('mask',))], 'without keys of its own'),
])  # fmt: skip
def test_what_is_not_known_by_batch_is_refused(pipeline, said):
    with pytest.raises(ValueError, match=f'Augmentation by batch needs .*{said}') as raised:
        by_batch(pipeline)
    assert 'set dataset.by_batch=False' in str(raised.value)


def test_a_crop_larger_than_the_padded_images_is_refused():
    crop = BatchCrop((10, 4), padding=(0, 2, 0, 2))
    with pytest.raises(ValueError, match=r'crop_size <= the padded images, got \(10, 4\) of images \(5, 6\) with padding'):
        crop.fit(5, 6)
    assert crop.fit(6, 6) == (10, 4) and crop.room == (0, 2)
