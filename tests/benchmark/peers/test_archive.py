"""CIFAR-100's archive made of class folders: torchvision reads the images and labels that ours does."""

import numpy as np
import pytest
from PIL import Image

from mmkd_ext.benchmark.peers.archive import archive_folder
from mmkd_ext.benchmark.peers.pairs import PAIRS
from mmkd_ext.datasets.cifar import CIFAR100, read_class_folders

CLASSES = CIFAR100.METAINFO['classes']


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (tmp_path / 'c100/train' / name).mkdir(parents=True)
        Image.fromarray(rng.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(tmp_path / 'c100/train' / name / 'a.png')
    return tmp_path / 'c100'


def test_torchvision_reads_what_ours_reads(folders, tmp_path):
    where = archive_folder(folders, tmp_path)
    assert where == tmp_path
    theirs, ours = PAIRS['cifar'].images(str(where), None), read_class_folders(folders / 'train', CLASSES, 'test')
    assert len(theirs) == len(ours) == 100
    for (image, label), listed in zip(theirs, ours, strict=True):
        assert label == listed['gt_label']
        np.testing.assert_array_equal(np.asarray(image), listed['img'])


def test_an_archive_that_is_there_is_taken(tmp_path):
    (tmp_path / 'a/cifar-100-python').mkdir(parents=True)
    assert archive_folder(tmp_path / 'a', tmp_path / 'out') == tmp_path / 'a' and not (tmp_path / 'out').exists()
