"""Whether a student is exported as ONNX too, and one sentence where it is not or where the graph ends early."""

import importlib.util

import pytest
from mmengine.config import ConfigDict
from support.coloured_boxes import network

from mmkd_ext.journey.networks import Network
from mmkd_ext.journey.onnx_export import onnx_of

CLASSIFIER = dict(type='ImageClassifier')
FASTER, QUERY = dict(type='FasterRCNN', roi_head=dict(type='X')), dict(type='DETR', decoder={}, bbox_head=dict(type='DETRHead'))


def asked(model):
    return onnx_of(Network('x', ConfigDict(model), 0, False, None, 32, True))


@pytest.mark.parametrize(('model', 'exported', 'said'), [
    (CLASSIFIER, True, None), (network(), True, 'student.onnx gives the raw outputs of the head for each map, before NMS'),
    (FASTER, False, 'no ONNX: use mmdeploy on student.pth and student.py, for a two-stage detector has no export here: it looks again'),
    (QUERY, False, 'no ONNX: use mmdeploy on student.pth and student.py, for a query detector has no export here: torch')])  # fmt: skip
def test_each_kind_says_what_it_gives(model, exported, said):
    found, remark = asked(model)
    assert found == exported and (remark is None if said is None else said in remark)


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None if name == 'onnxscript' else object())
    assert asked(CLASSIFIER) == (False, "no ONNX: it is not installed (pip install '.[onnx]' in the checkout)")
