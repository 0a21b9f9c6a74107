"""Pictures of detections: a panel for each network; those of a run are in test_detection.py."""

import numpy as np
import torch
from support.detector_runs import QUIET
from support.drawn_panels import drawn

from mmkd_ext.commands import draw_detections

pytestmark = QUIET
__all__ = ['drawn']  # a fixture


def test_a_teacher_of_other_classes_has_numbers_for_names(drawn):
    from mmengine.structures import InstanceData

    found = InstanceData(bboxes=torch.tensor([[2.0, 3.0, 50.0, 60.0]]), labels=torch.tensor([7]), scores=torch.tensor([0.5]))
    picture = draw_detections.panel(np.zeros((500, 600, 3), np.uint8), found, 'teacher', dict(classes=('a', 'b')), 0.5)
    assert picture.shape == (526, 600, 3) and drawn[0][2] == ['class 7 0.50']
    assert picture[26:].any() and not drawn[0][0].any()
