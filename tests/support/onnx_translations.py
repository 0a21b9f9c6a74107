"""torch's translations to ONNX, gathered once: each export gathers them anew, which takes a second."""

from functools import cache

import pytest
from torch.onnx._internal.exporter._registration import ONNXRegistry

_gathered = cache(ONNXRegistry.from_torchlib)


@pytest.fixture(autouse=True)
def translations_gathered_once(monkeypatch):
    monkeypatch.setattr(ONNXRegistry, 'from_torchlib', staticmethod(_gathered))
