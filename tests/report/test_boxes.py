"""Detections drawn beside the truth: panels, their order and their names."""

import cv2
import numpy as np
import pytest
import torch
from support.detector_runs import QUIET
from support.drawn_panels import drawn
from support.reported_runs import FewImages

from mmkd_ext.errors import PreflightError
from mmkd_ext.report import boxes
from mmkd_ext.report.boxes import panel, side_by_side, truth_of

pytestmark = QUIET
__all__ = ['drawn']  # a fixture


def test_a_teacher_of_other_classes_has_numbers_for_names(drawn):
    from mmengine.structures import InstanceData

    found = InstanceData(bboxes=torch.tensor([[2.0, 3.0, 50.0, 60.0]]), labels=torch.tensor([7]), scores=torch.tensor([0.5]))
    picture = panel(np.zeros((500, 600, 3), np.uint8), found, 'teacher', dict(classes=('a', 'b')), 0.5)
    assert picture.shape == (526, 600, 3) and drawn[0][2] == ['class 7 0.50']
    assert picture[26:].any() and not drawn[0][0].any()


def test_the_truth_leaves_crowds_out():
    truth = truth_of(FewImages(1).get_data_info(0))
    assert truth.bboxes.tolist() == [[1.0, 2.0, 30.0, 40.0]] and truth.labels.tolist() == [1]


def test_panels_come_in_the_order_that_is_asked_for_under_their_counts(tmp_path, drawn, monkeypatch):
    from mmengine.structures import InstanceData

    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((50, 80, 3), np.uint8))
    found = {name: InstanceData(bboxes=torch.tensor([[2.0, 3.0, 20.0, 30.0]]), labels=torch.tensor([label]), scores=torch.tensor([0.7]))
             for name, label in (('student', 0), ('teacher', 1))}  # fmt: skip
    monkeypatch.setattr(boxes, 'found_by', lambda model, item: found)
    picture = side_by_side(None, FewImages(1, tmp_path), 0, 0.3, ('teacher',))
    assert picture.shape == (400 + 26, 3 * 640, 3)
    assert [names for _, _, names in drawn] == [['b'], ['b 0.70'], ['a 0.70']]


def test_an_image_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(PreflightError, match='An image that can be read is needed'):
        side_by_side(None, FewImages(1, tmp_path), 0, 0.3)
