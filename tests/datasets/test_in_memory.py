"""Images that lie in memory come in whole batches, which hold what the pipeline gives image by image."""

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, default_collate

from mmkd_ext.datasets import in_memory
from mmkd_ext.datasets.in_memory import InMemory, whole_batches

PACK = [dict(type='mmpretrain.PackInputs')]


class Given(InMemory, BaseDataset):
    """Images and labels that a test gives."""

    def __init__(self, images, labels, **kwargs):
        self.given = list(zip(images, labels, strict=True))
        super().__init__(**{'pipeline': PACK, 'by_batch': True, 'serialize_data': False, **kwargs})

    def load_data_list(self):
        return [dict(img=image, gt_label=label) for image, label in self.given]


def pixels(n=6, shape=(4, 5, 3), kind=np.uint8):
    return list(np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(kind))


LABELS = [3, 0, 2, 1, 1, 0]


@pytest.mark.parametrize('shape', [(4, 5, 3), (4, 5)], ids=['colours', 'grey'])
@pytest.mark.parametrize('channels_last', [False, True])
def test_a_batch_holds_what_the_pipeline_gives_image_by_image(shape, channels_last):
    images = pixels(shape=shape)
    data = Given(images, LABELS, channels_last=channels_last, device='cpu')
    batch = data.__getitems__([5, 0, 0])
    one_by_one = Given(images, LABELS, by_batch=False)
    expected = default_collate(one_by_one.__getitems__([5, 0, 0]))
    assert batch['inputs'].dtype == torch.uint8 and torch.equal(batch['inputs'], expected['inputs'])
    assert [int(each.gt_label) for each in batch['data_samples']] == [0, 3, 3]
    assert [each.sample_idx for each in batch['data_samples']] == [each.sample_idx for each in expected['data_samples']] == [5, 0, 0]
    assert all(tuple(each.img_shape) == (4, 5) for each in batch['data_samples'])
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert batch['inputs'].is_contiguous(memory_format=layout)


def test_a_batch_stays_as_it_is_and_samples_are_stacked():
    data = Given(pixels(), LABELS, by_batch=False)
    two = [data[i] for i in (0, 1)]
    assert torch.equal(whole_batches(two)['inputs'], default_collate(two)['inputs'])
    batch = Given(pixels(), LABELS).__getitems__([0])
    assert whole_batches(batch) is batch


def test_subsets_hold_their_own_images():
    data = Given(pixels(), LABELS, indices=5)
    assert len(data) == len(data._images) == 5
    part = data.get_subset([4, 3])
    assert torch.equal(part.__getitems__([0])['inputs'], data.__getitems__([4])['inputs']) and len(data._images) == 5
    data.get_subset_([2])
    assert torch.equal(data.__getitems__([0])['inputs'][0], data[0]['inputs']) and len(data._images) == 1


@pytest.mark.parametrize(('images', 'labels', 'said'), [
    ([*pixels(3), *pixels(3, (5, 5, 3))], LABELS, r'images of one size .*got shapes \[\(4, 5, 3\), \(5, 5, 3\)\]'),
    (pixels(), [*LABELS[:5], None], 'got other labels'), (pixels(), [*LABELS[:5], [1, 2]], 'got other labels'),
    (pixels(kind=np.float32), LABELS, 'images of 8 bits, got float32')])
def test_what_makes_no_batch_is_refused(images, labels, said):
    with pytest.raises(ValueError, match=f'Given with by_batch needs .*{said}.*Set dataset.by_batch=False'):
        Given(images, labels)
    Given(images, labels, by_batch=False)


def test_a_crop_that_does_not_fit_is_refused_when_the_data_are_read():
    with pytest.raises(ValueError, match='crop_size <='):
        Given(pixels(), LABELS, pipeline=[dict(type='mmpretrain.RandomCrop', crop_size=6), *PACK])


def test_images_elsewhere_need_a_loader_without_workers(monkeypatch):
    data = Given(pixels(), LABELS, device='meta')
    monkeypatch.setattr(in_memory, 'get_worker_info', lambda: 'a worker')
    with pytest.raises(ValueError, match='Given with images on meta needs a loader without worker processes, got some: set num_workers=0'):
        data.__getitems__([0])
    data.device = None  # a worker of a machine with a GPU stays on the CPU
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert data.__getitems__([0])['inputs'].device.type == 'cpu'
