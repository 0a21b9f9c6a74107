"""Boxes of detectors: annotations that are refused, boxes of several networks as one, random ones for a benchmark."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmkd_ext.models.outputs.kinds.boxes import fused


def test_joining_nothing_and_boxes_without_area():
    empty = InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0, dtype=torch.long))
    flat = InstanceData(bboxes=torch.tensor([[3.0, 3, 3, 9]]), scores=torch.tensor([0.9]), labels=torch.tensor([1]))
    one = InstanceData(bboxes=torch.tensor([[0.0, 0, 4, 4]]), scores=torch.tensor([0.8]), labels=torch.tensor([2]))
    joined = fused([empty, flat])
    assert joined.bboxes.shape == (0, 4) and joined.labels.dtype == torch.long
    joined = fused([one, flat])
    assert joined.bboxes.tolist() == [[0.0, 0.0, 4.0, 4.0]] and joined.labels.tolist() == [2]
    assert joined.scores.tolist() == pytest.approx([0.4])  # one of two has seen it
    assert len(fused([one, one, flat], most=0)) == 0
