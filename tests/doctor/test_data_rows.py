"""Samples of each class, of images and of boxes that count."""

from mmkd_ext.doctor.data_rows import _counts


class Listed(list):
    def get_data_info(self, i):
        return self[i]


def test_boxes_of_a_crowd_do_not_count():
    boxes = [dict(bbox_label=1), dict(bbox_label=1, ignore_flag=1), dict(bbox_label=0)]
    found = _counts(Listed([dict(instances=boxes), dict(gt_label=2), dict(gt_label=[0, 2])]))
    assert dict(found) == {0: 2, 1: 1, 2: 2} and not _counts(None)
