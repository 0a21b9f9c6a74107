"""A digest of a data set follows its labels, boxes and images."""

import copy

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Subset

from mmkd_ext.datasets.data_digest import data_digest


class Labelled:
    metainfo = {'classes': ('a', 'b')}

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def get_data_info(self, i):
        return self.samples[i]


def test_a_digest_knows_labels_and_images(tmp_path):
    file = tmp_path / 'a.png'
    file.write_bytes(b'one')
    samples = [dict(img_path=str(file), gt_label=0, instances=[dict(bbox=[1.0, 2.0, 3.0, 4.0])]), dict(img_path='b', gt_label=1)]
    first = data_digest(Labelled(samples))
    assert data_digest(Labelled(copy.deepcopy(samples))) == first
    relabelled, moved = copy.deepcopy(samples), copy.deepcopy(samples)
    relabelled[1]['gt_label'] = 0
    moved[0]['instances'][0]['bbox'][0] = 1.5
    assert len({first, data_digest(Labelled(relabelled)), data_digest(Labelled(moved)), data_digest(Labelled(samples[::-1]))}) == 4
    file.write_bytes(b'other')
    assert data_digest(Labelled(samples)) != first


def test_a_digest_knows_pixels_in_memory_and_the_classes():
    def digest(pixels, classes=('a', 'b'), label=0):
        data = Labelled([dict(img=np.array(pixels, dtype=np.uint8), gt_label=label)])
        data.metainfo = {'classes': classes}
        return data_digest(data)

    found = [digest([[1, 2]]), digest([[1, 3]]), digest([[1], [2]]), digest([[1, 2]], ('b', 'a')), digest([[1, 2]], label=1)]
    assert len(set(found)) == 5 and digest([[1, 2]]) == found[0] and len(found[0]) == 16


def test_a_digest_looks_into_what_wraps_data():
    one, other = (Labelled([dict(gt_label=label) for label in labels]) for labels in ([0, 1, 1], [0, 1, 0]))
    for wrap in (lambda data: Subset(data, [0, 2]), lambda data: ConcatDataset([data, data]), lambda data: SimpleRepeat(data)):
        assert data_digest(wrap(one)) != data_digest(wrap(other)) and data_digest(wrap(one)) == data_digest(wrap(one))
    assert len({data_digest(Subset(one, indices)) for indices in ([0, 1], [0, 2], [1, 0])}) == 3


def test_data_of_another_kind_are_known_by_their_labels_and_length():
    def digest(n, **labels):
        return data_digest(type('Foreign', (), dict(__len__=lambda self: n, **labels))())

    assert digest(2, targets=[0, 1]) == digest(2, targets=[0, 1]) != digest(2, targets=[1, 0])
    assert digest(2) != digest(3) and digest(2, labels=torch.tensor([0, 1])) != digest(2, labels=torch.tensor([0, 0]))


class SimpleRepeat:
    """As mmengine's RepeatDataset."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return 2 * len(self.dataset)
