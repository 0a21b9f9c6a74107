"""ViewsVisualizationHook: each image is drawn once, as its first view that is not mirrored."""

import torch
from mmpretrain.engine.hooks import VisualizationHook
from mmpretrain.structures import DataSample

from mmkd_ext.hooks import ViewsVisualizationHook


def test_each_image_is_drawn_as_its_first_view_that_is_not_mirrored(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        VisualizationHook, '_draw_samples', lambda self, i, batch, samples, step: drawn.append((i, batch['inputs'], samples, step)))
    flips = [[True, False, True], [False, True, True], [False, False, True]]  # of three views, each of three images
    views = [torch.arange(3.0).reshape(3, 1, 1, 1) + 10 * view for view in range(3)]
    told = [[DataSample(metainfo=dict(flip=flip)) for flip in row] for row in flips]
    predictions = [DataSample() for _ in range(3)]
    hook = ViewsVisualizationHook.__new__(ViewsVisualizationHook)  # mmpretrain's needs a visualizer of a run
    hook._draw_samples(4, dict(inputs=views, data_samples=told), predictions, step=2)
    ((i, images, samples, step),) = drawn
    assert (i, step) == (4, 2) and samples is predictions
    assert [float(image) for image in images] == [10, 1, 2]


def test_a_view_that_says_nothing_is_not_mirrored(monkeypatch):
    drawn = []
    monkeypatch.setattr(VisualizationHook, '_draw_samples', lambda self, i, batch, samples, step: drawn.extend(batch['inputs']))
    hook = ViewsVisualizationHook.__new__(ViewsVisualizationHook)
    hook._draw_samples(0, dict(inputs=[torch.zeros(1, 1, 1, 1)], data_samples=[[DataSample()]]), [DataSample()])
    assert len(drawn) == 1
