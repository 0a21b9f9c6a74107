"""bfloat16 autocast on a CPU: what computes in it, what does not, and the weights."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmkd_ext.optim.cpu_amp import CPUAmpOptimWrapper, cpu_autocast


def test_the_cpu_wrapper_computes_in_bfloat16_and_keeps_float32_weights():
    layer = nn.Linear(4, 3)
    wrapper = CPUAmpOptimWrapper(optimizer=torch.optim.SGD(layer.parameters(), lr=0.1))
    before = layer.weight.detach().clone()
    with wrapper.optim_context(layer):
        out = layer(torch.ones(2, 4))
    assert out.dtype is torch.bfloat16
    wrapper.update_params(out.float().sum())
    assert layer.weight.dtype is torch.float32 and not torch.equal(layer.weight, before)


def test_it_is_built_by_its_registered_name():
    wrapper = build_optim_wrapper(nn.Linear(2, 1), dict(type='mmkd_ext.CPUAmpOptimWrapper', optimizer=dict(type='SGD', lr=0.1)))
    assert isinstance(wrapper, CPUAmpOptimWrapper)


class Head(nn.Module):
    """Two maps out of one, as a dense head of mmdet."""

    prior_generator = 'of anchors'

    def __init__(self):
        super().__init__()
        self.scores, self.boxes = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return [self.scores(x)], [self.boxes(x)]


class Extractor(nn.Module):
    """Says what it was given."""

    roi_layers = 'of RoIAlign'

    def forward(self, maps, rois):
        return [x.dtype for x in maps], [x.is_contiguous() for x in maps], rois.dtype


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.extractor = nn.Conv2d(3, 3, 1), Head(), Extractor()

    def forward(self, x):
        maps = [self.body(x).to(memory_format=torch.channels_last)]
        return maps[0].dtype, self.head(maps[0]), self.extractor(maps, torch.zeros(1, 5))


def test_a_detector_proposes_and_pools_in_float32():
    model, images = Detector(), torch.ones(1, 3, 4, 4)
    with cpu_autocast(model):
        inside, (scores, boxes), pooled = model(images)
    assert inside is torch.bfloat16 and {x.dtype for x in (*scores, *boxes)} == {torch.float32}
    assert pooled == ([torch.float32], [True], torch.float32)


@pytest.mark.parametrize('ends', ['well', 'badly'])
def test_nothing_stays_on_a_detector(ends):
    model = Detector()
    with pytest.raises(KeyError) if ends == 'badly' else cpu_autocast(model), cpu_autocast(model):
        if ends == 'badly':
            raise KeyError
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert model(torch.ones(1, 3, 4, 4))[0] is torch.float32 and not torch.is_autocast_enabled('cpu')
