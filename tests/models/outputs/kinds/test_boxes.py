"""Boxes of detectors: annotations that are refused, random ones for a benchmark."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData
from torch import nn

from mmkd_ext.models.outputs.kinds.boxes import check_boxes, samples_with_boxes


def sample(boxes, labels, path='a.png'):
    instances = InstanceData(bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), labels=torch.tensor(labels, dtype=torch.long))
    return BaseDataElement(gt_instances=instances, metainfo=dict(img_path=path))


FINE = sample([[0, 0, 4, 5], [1, 1, 2, 9]], [0, 2])


@pytest.mark.parametrize(('boxes', 'labels', 'words'), [
    ([[4, 6, 4, 9]], [0], r'got \[4.0, 6.0, 4.0, 9.0\] with label 0 in b.png'), ([[4, 6, 9, 3]], [1], 'with label 1 in b.png'),
    ([[0, 0, 1, 1], [0, 0, 1, 1]], [0, 3], 'with label 3 in b.png'), ([[0, 0, 1, 1]], [-1], 'with label -1 in b.png')])
def test_boxes_without_area_and_labels_that_are_no_class_are_refused_with_their_image(boxes, labels, words):
    data = dict(data_samples=[FINE, sample(boxes, labels, 'b.png')])
    with pytest.raises(ValueError, match=rf'positive width and height with labels 0\.\.2 are needed, .*{words}'):
        check_boxes(3, nn.Identity(), (data, True), {})
    check_boxes(3, nn.Identity(), (data, False), {})  # what is tested is the evaluator's business
    check_boxes(3, nn.Identity(), (data,), {})


def test_boxes_with_area_and_images_without_any_are_taken():
    check_boxes(3, nn.Identity(), (), dict(data=dict(data_samples=[FINE, sample([], [])]), training=True))


@pytest.mark.parametrize('masks', [False, True])
def test_random_boxes_lie_in_the_image_and_have_all_labels_in_turn(masks):
    found = samples_with_boxes(SimpleNamespace(with_mask=masks), torch.zeros(3, 3, 32, 48), 5)
    assert [x.gt_instances.labels.tolist() for x in found[:2]] == [[0, 1, 2, 3, 4, 0, 1, 2], [3, 4, 0, 1, 2, 3, 4, 0]]
    for x in found:
        left, top, right, bottom = x.gt_instances.bboxes.unbind(dim=1)
        assert (left >= 0).all() and (top >= 0).all() and (right <= 48).all() and (bottom <= 32).all()
        assert (right > left).all() and (bottom > top).all() and x.img_shape == x.pad_shape == (32, 48)
        assert ('masks' in x.gt_instances) == masks and len(x.ignored_instances) == 0
    check_boxes(5, nn.Identity(), (dict(data_samples=found), True), {})
