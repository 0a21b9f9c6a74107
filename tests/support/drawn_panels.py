"""What mmdet draws."""

import pytest


@pytest.fixture
def drawn(monkeypatch):
    """What mmdet's visualizer was given: image, boxes and names of each panel."""
    from mmdet.visualization import DetLocalVisualizer

    calls, original = [], DetLocalVisualizer.add_datasample

    def add_datasample(self, name, image, sample, **kwargs):
        calls.append((image.copy(), sample.gt_instances.bboxes, sample.gt_instances.label_names))
        original(self, name, image, sample, **kwargs)

    monkeypatch.setattr(DetLocalVisualizer, 'add_datasample', add_datasample)
    return calls
