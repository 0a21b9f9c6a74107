"""How a distilled detector trains: in two processes, and in half precision on a CPU."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from support.detection import LOSSES, build, pair, raw, tiny
from support.detection_gloo import network, step, two_processes

from mmkd_ext.running.launch import cpu_wrapper


@pytest.mark.parametrize('mutual', [False, True], ids=['frozen teacher', 'mutual'])
def test_two_processes_have_their_own_losses_and_the_mean_of_both_gradients_without_find_unused_parameters(mutual):
    assert cpu_wrapper({})['find_unused_parameters'] is False
    said = two_processes(mutual)
    alone = [step(network(mutual), rank) for rank in (0, 1)]
    named = {'loss_kd_a', 'loss_ml_b', 'teacher_loss_cls'} if mutual else {'loss_kd', 'loss_nd', 'loss_review', 'loss_cls'}
    some = min(named)
    for rank, (terms, _) in enumerate(alone):
        assert said[rank][0] == pytest.approx(terms, rel=1e-5)
        assert named < set(terms)
    assert alone[0][0][some] != pytest.approx(alone[1][0][some], rel=1e-3)
    for name, gradient in alone[0][1].items():
        mean = (gradient + alone[1][1][name]) / 2
        for rank in (0, 1):
            torch.testing.assert_close(torch.from_numpy(said[rank][1][name]), mean, rtol=1e-3, atol=1e-5, msg=name)


def test_detectors_that_train_together_take_a_step_in_bfloat16_on_a_cpu(rng):
    model = network(mutual=True)
    optim = build_optim_wrapper(model, dict(type='mmkd_ext.CPUAmpOptimWrapper', optimizer=dict(type='SGD', lr=0.0)))
    terms = model.train_step(raw(rng), optim)
    assert {'loss_kd_a', 'loss_ml_b'} < set(terms)
    assert all(x.isfinite() and x.dtype == torch.float32 for k, x in terms.items() if 'loss' in k)


@pytest.mark.parametrize('distilled', [False, True], ids=['stock', 'distilled'])
def test_a_step_in_bfloat16_on_a_cpu_is_close_to_float32_and_its_losses_are_float32(distilled, rng):
    model = (pair() if distilled else build(tiny())).train()
    data = raw(rng)
    found = {}
    for kind in ('OptimWrapper', 'mmkd_ext.CPUAmpOptimWrapper'):
        optim = build_optim_wrapper(model, dict(type=kind, optimizer=dict(type='SGD', lr=0.0)))
        torch.manual_seed(3)
        found[kind] = model.train_step(copy.deepcopy(data), optim)
    full, half = ({k: v.detach() for k, v in terms.items() if 'loss' in k} for terms in found.values())
    assert {f'loss_{name}' for name in (LOSSES if distilled else ())} < set(half)
    assert all(x.dtype == torch.float32 and x.isfinite() for x in half.values())
    assert any(float(half[k]) != float(full[k]) for k in half)
    for name in ('loss_rpn_cls', 'loss_cls', *(['loss_nd'] if distilled else [])):  # the sampled regions may differ
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.15)
    extractor = getattr(model, 'student', model).roi_head.bbox_roi_extractor
    assert not extractor._forward_pre_hooks and not getattr(model, 'student', model).rpn_head._forward_hooks
