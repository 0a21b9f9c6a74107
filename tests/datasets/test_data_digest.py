"""A digest of a data set follows its labels, boxes and images."""

import copy

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
