"""CIFAR from folders equals CIFAR from its archive; batches equal mmpretrain's transforms image by image."""

import pickle

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from mmpretrain.datasets import CIFAR100 as Archive

from mmkd_ext.datasets import CIFAR100

CLASSES = CIFAR100.METAINFO['classes']
CROP, FLIP, PACK = (
    dict(type='RandomCrop', crop_size=32, padding=4), dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The same 200 images twice: in class folders and in an archive, whose order is another."""
    init_default_scope('mmpretrain')
    monkeypatch.setattr('mmpretrain.datasets.cifar.check_md5', lambda *args: True)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8), rng.permutation(np.arange(200) % 100)
    archive = tmp_path / 'archive' / 'cifar-100-python'
    archive.mkdir(parents=True)
    for split in ('train', 'test'):
        entry = dict(data=images.transpose(0, 3, 1, 2).reshape(200, -1), fine_labels=labels.tolist())
        (archive / split).write_bytes(pickle.dumps(entry))
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = tmp_path / 'folders' / split / CLASSES[label]
            folder.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / f'{i:03d}.png'), image[..., ::-1])
    return tmp_path


def build(root, pipeline=(PACK,), **kwargs):
    """Ours, with its images read."""
    dataset = DATASETS.build(dict(type='mmkd_ext.CIFAR100', data_root=str(root), pipeline=list(pipeline), **kwargs))
    dataset.full_init()
    return dataset


def samples(dataset):
    """Pixels and label of each, in an order that does not depend on the files'."""
    return sorted((d['img'].tobytes(), d['gt_label']) for d in map(dataset.get_data_info, range(len(dataset))))


@pytest.mark.parametrize('split', ['train', 'test'])
def test_folders_hold_the_archives_samples(data, split):
    theirs = Archive(data_root=str(data / 'archive'), split=split)
    folders, archive = build(data / 'folders', split=split), build(data / 'archive', split=split)
    assert samples(folders) == samples(theirs) and [s[1] for s in samples(archive)] == [s[1] for s in samples(theirs)]
    assert len({folders.get_data_info(i)['gt_label'] for i in range(100)}) == 100  # the first few are of all classes


@pytest.mark.parametrize('channels_last', [True, False])
def test_batches_equal_mmpretrains_crops_and_flips(data, channels_last):
    dataset = build(data / 'folders', [CROP, FLIP, PACK], by_batch=True, channels_last=channels_last, device='cpu')
    indices = [5, 3, 3, 77, *range(100, 160)]
    np.random.seed(3)
    batch = dataset.__getitems__(indices)
    np.random.seed(3)
    tops, lefts, flips = np.random.randint(0, 9, 64), np.random.randint(0, 9, 64), np.random.random(64) < 0.5
    assert len(set(tops)) == len(set(lefts)) == 9 and 0 < flips.sum() < 64
    crop, flip, pack = dataset.pipeline.transforms
    for n, i in enumerate(indices):
        crop.rand_crop_params = lambda img, n=n: (tops[n], lefts[n], 32, 32)
        flip.prob = float(flips[n])
        expected = pack(flip(crop(dict(dataset.get_data_info(i)))))
        assert torch.equal(batch['inputs'][n], expected['inputs'])
        got, sample = batch['data_samples'][n], expected['data_samples']
        assert type(got) is type(sample) and torch.equal(got.gt_label, sample.gt_label)
        assert got.sample_idx == sample.sample_idx and tuple(got.img_shape) == tuple(sample.img_shape[:2])
        assert set(got.keys()) == set(sample.keys()) == {'gt_label'}
    form = torch.channels_last if channels_last else torch.contiguous_format
    assert batch['inputs'].is_contiguous(memory_format=form) and batch['inputs'].dtype == torch.uint8


@pytest.mark.parametrize(('by_batch', 'workers'), [(True, 0), (False, 0), (True, 1)])
def test_a_loader_gives_each_image_once_in_mmpretrains_order(data, by_batch, workers):
    cfg = dict(
        batch_size=48, num_workers=workers, sampler=dict(type='DefaultSampler', shuffle=True),
        collate_fn=dict(type='mmkd_ext.whole_batches'),
        dataset=dict(type='mmkd_ext.CIFAR100', data_root=str(data / 'folders'), pipeline=[PACK], by_batch=by_batch, device='cpu'))
    batches = list(Runner.build_dataloader(cfg, seed=1))
    order = torch.randperm(200, generator=torch.Generator().manual_seed(1)).tolist()
    assert [len(batch['inputs']) for batch in batches] == [48, 48, 48, 48, 8]
    assert [sample.sample_idx for batch in batches for sample in batch['data_samples']] == order


@pytest.mark.parametrize(('spoil', 'words'), [
    (lambda train: [f.unlink() for f in (train / 'apple').iterdir()], r'none in .*apple'),
    (lambda train: (train / 'apple').rename(train / 'pear_tree'), 'none for apple and one for pear_tree'),
    (lambda train: next((train / 'baby').iterdir()).write_bytes(b''), r'got no image in .*baby'),
    (lambda train: next((train / 'baby').iterdir()).write_bytes(b'text'), r'got no image in .*baby'),
    (lambda train: cv2.imwrite(str(train / 'baby' / 'x.png'), np.zeros((8, 9, 3), np.uint8)), '9 x 8'),
    (lambda train: train.rename(train.parent / 'training'), 'none for apple, aquarium_fish'),
])  # fmt: skip
def test_incomplete_folders_are_refused(data, spoil, words):
    spoil(data / 'folders' / 'train')
    with pytest.raises(ValueError, match=words):
        build(data / 'folders')
