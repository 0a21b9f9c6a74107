"""mmpretrain's data sets in memory give the batches that their pipeline gives image by image."""

import struct

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate

from mmkd_ext.registry import DATASETS

PACK = [dict(type='mmpretrain.PackInputs')]
LOAD = dict(type='mmpretrain.LoadImageFromFile')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Two classes of three images of 6 x 5 pixels."""
    root = tmp_path_factory.mktemp('classes')
    drawn = np.random.default_rng(0)
    for name in ('n01', 'n02'):
        (root / 'train' / name).mkdir(parents=True)
        for i in range(3):
            assert cv2.imwrite(str(root / 'train' / name / f'{i}.png'), drawn.integers(0, 256, (6, 5, 3)).astype(np.uint8))
    return dict(type='mmkd_ext.CustomDataset', data_root=str(root), data_prefix='train', pipeline=[LOAD, *PACK])


@pytest.fixture(scope='module')
def clothes(tmp_path_factory):
    """Six images of 28 x 28 pixels in the published files."""
    root = tmp_path_factory.mktemp('clothes')
    pixels = np.random.default_rng(1).integers(0, 256, (6, 28, 28)).astype(np.uint8)
    for split in ('train', 't10k'):
        (root / f'{split}-images-idx3-ubyte').write_bytes(struct.pack('>4i', 0x803, 6, 28, 28) + pixels.tobytes())
        (root / f'{split}-labels-idx1-ubyte').write_bytes(struct.pack('>2i', 0x801, 6) + bytes([9, 1, 0, 4, 4, 2]))
    return dict(type='mmkd_ext.FashionMNIST', data_root=str(root), split='train', download=False, pipeline=PACK)


def digits():
    return dict(type='mmkd_ext.Digits', samples_per_class=1, pipeline=PACK)


@pytest.mark.filterwarnings('ignore:The given NumPy array is not writable')  # mmpretrain's reading of the file
@pytest.mark.filterwarnings('ignore:__array__ implementation')
@pytest.mark.parametrize('which', ['folders', 'clothes', 'digits'])
def test_a_batch_is_the_pipelines_images(which, request):
    config = digits() if which == 'digits' else request.getfixturevalue(which)
    data, alone = (DATASETS.build(dict(config, by_batch=by_batch, device='cpu')) for by_batch in (True, False))
    batch, expected = data.__getitems__([5, 0, 3]), default_collate(alone.__getitems__([5, 0, 3]))
    assert batch['inputs'].dtype == torch.uint8 and torch.equal(batch['inputs'], expected['inputs'])
    assert [int(each.gt_label) for each in batch['data_samples']] == [int(each.gt_label) for each in expected['data_samples']]
    assert len({int(each.gt_label) for each in batch['data_samples']}) > 1


def test_without_by_batch_they_are_mmpretrains(folders):
    ours = DATASETS.build(folders)
    stock = DATASETS.build(dict(folders, type='mmpretrain.CustomDataset'))
    assert ours.metainfo == stock.metainfo and [ours.get_data_info(i) for i in range(6)] == [stock.get_data_info(i) for i in range(6)]


def test_classes_of_other_sizes_are_refused_with_the_way_out(folders, tmp_path):
    for name, side in (('a', 4), ('b', 5)):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / '0.png'), np.zeros((side, side, 3), np.uint8))
    with pytest.raises(ValueError, match=r'images of one size .*\(4, 4, 3\), \(5, 5, 3\).*dataset.by_batch=False'):
        DATASETS.build(dict(folders, data_root=str(tmp_path), data_prefix='', by_batch=True))
