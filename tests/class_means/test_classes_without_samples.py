"""Classes without samples: a warning, unless the annotations say that samples of them will come."""

import pytest
import torch

from mmkd_ext.class_means import classes_without_samples
from mmkd_ext.class_means.classes_without_samples import check_counts, listed_labels


class Listed(list):
    """A data set of these records."""

    get_data_info = list.__getitem__


IMAGES = Listed([dict(gt_label=0), dict(gt_label=2), dict(gt_label=0)])
BOXES = Listed([dict(instances=[dict(bbox_label=0), dict(bbox_label=1, ignore_flag=1)]), dict(instances=[])])


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(classes_without_samples, 'print_log', lambda text, *_: lines.append(text))
    return lines


def counts(*numbers):
    return torch.tensor(numbers)


def test_labels_of_images_and_of_boxes_that_count_are_listed():
    assert listed_labels(IMAGES) == {0, 2} and listed_labels(BOXES) == {0}
    assert listed_labels(Listed([dict(gt_label=[1, 3]), dict(gt_label=torch.tensor([4]).numpy()), dict()])) == {1, 3, 4}
    assert listed_labels([1, 2]) == set()  # a data set that lists nothing


def test_where_every_class_has_samples_nothing_is_said(said):
    check_counts(counts(2, 1, 1), 'abc', IMAGES)
    assert said == []


def test_classes_that_never_occur_are_one_warning(said):
    check_counts(counts(2, 0, 1, 0), 'abcd', IMAGES)
    assert len(said) == 1 and 'no sample of 2 of 4 classes: 1 (b), 3 (d). These have no class mean' in said[0]


@pytest.mark.parametrize(('limit', 'told'), [(None, 'in 3 images,'), (2, 'in 2 images, .* and at max_images')])
def test_one_that_is_listed_is_an_error(said, limit, told):
    with pytest.raises(ValueError, match=rf'got none of 2 \(c\) {told}'):
        check_counts(counts(2, 0, 0), 'abc', IMAGES, limit=limit)
    assert said == []


def test_in_detection_each_head_has_rows_of_its_own_and_the_background_always_comes(said):
    names = ['a', 'b', 'background'] * 2  # of two heads
    check_counts(counts(1, 0, 1, 1, 0, 1), names, BOXES, classes=2)
    assert len(said) == 1 and '2 of 6 classes: 1 (b), 4 (b)' in said[0]
    with pytest.raises(ValueError, match=r'got none of 3 \(a\) in'):  # the second head's
        check_counts(counts(1, 1, 1, 0, 1, 1), names, BOXES, classes=2)
    with pytest.raises(ValueError, match=r'got none of 2 \(background\), 5 \(background\) in'):
        check_counts(counts(1, 1, 0, 1, 1, 0), names, BOXES, classes=2)
