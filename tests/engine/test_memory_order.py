"""Channels-last images, and detectors whose regions are still pooled from the right places."""

from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import RoIAlign
from mmengine.config import Config
from support.detection import LOSSES, raw, teacher_of, tiny
from support.detection import distiller as detectors

from mmkd_ext.benchmark.loop import BareStep
from mmkd_ext.benchmark.options import _Step
from mmkd_ext.engine.memory_order import in_order, usual_order_for_mmcv

OPTIMIZER = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))


def network():
    return detectors(tiny(), teacher_of(tiny('faster', 16, 48)), dict(kd=LOSSES['kd']), input_size=64)


def bare_step(channels_last):
    batch = raw(torch.Generator().manual_seed(0), ((64, 64), (64, 64)), [[[4, 6, 30, 34]], [[20, 10, 44, 50]]])
    return BareStep(SimpleNamespace(model=network(), cfg=SimpleNamespace(optim_wrapper=OPTIMIZER)), batch, channels_last)


def option(channels_last):
    batch = raw(torch.Generator().manual_seed(0), ((64, 64), (64, 64)), [[[4, 6, 30, 34]], [[20, 10, 44, 50]]])
    model = dict(
        type='mmkd_ext.TwoStageDistiller', student=tiny(), teacher=tiny('faster', 16, 48), losses=dict(kd=LOSSES['kd']), input_size=64)
    return _Step(Config(dict(default_scope='mmdet', model=model, optim_wrapper=OPTIMIZER)), batch, images=channels_last)


@pytest.mark.parametrize('make', [bare_step, option])
def test_a_step_to_time_pools_a_detector_s_regions_from_the_right_places(make, rng):
    step = make(True)
    assert step.data['inputs'].is_contiguous(memory_format=torch.channels_last) and not step.data['inputs'].is_contiguous()
    maps = [torch.randn(2, 16, side, side, generator=rng) for side in (16, 8, 4, 2)]
    rois = torch.tensor([[0, 3.0, 5, 40, 30], [1, 8, 2, 50, 60]])
    for detector in (step.model.student, step.model.teachers['teacher'].network):
        pooled = [detector.roi_head.bbox_roi_extractor([in_order(x, turned) for x in maps], rois) for turned in (False, True)]
        torch.testing.assert_close(*pooled, rtol=0, atol=0)
    step()
    plain = make(False)
    assert plain.data['inputs'].is_contiguous()
    plain()


def test_what_ends_it():
    model = network()
    handles = usual_order_for_mmcv(model)
    pools = [each for network in (model, model.teachers['teacher'].network) for each in network.modules() if isinstance(each, RoIAlign)]
    assert len(handles) == len(pools) == 8 and all(each._forward_pre_hooks for each in pools)  # four strides of each
    for handle in handles:
        handle.remove()
    assert not any(each._forward_pre_hooks for each in pools)


def test_only_batches_of_images_are_reordered():
    images, flat, several = torch.zeros(2, 3, 4, 4), torch.zeros(2, 5), [torch.zeros(3, 4, 4)]
    assert not in_order(images, True).is_contiguous() and in_order(in_order(images, True), False).is_contiguous()
    assert in_order(flat, True) is flat and in_order(several, True) is several
