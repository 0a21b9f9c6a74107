"""`loss_weight='auto:SHARE'`: the factor by gradients worked out by hand, kept in the state; other texts are one sentence."""

import copy
import math

import pytest
import torch

from mmkd_ext import losses as package
from mmkd_ext.losses import DistillationLoss
from mmkd_ext.losses.auto_weight import ITERATIONS, AutoWeight, gradient_norm, weight_for
from mmkd_ext.registry import MODELS

OURS = sorted(
    name for name in package.__all__ if name.endswith(('Loss', 'Head')) and name not in ('DistillationLoss', 'ClassMeansLoss'))


def test_the_gradient_norm_is_that_of_all_parameters_together_and_keeps_the_graph():
    a, b, unread = (torch.tensor(x, requires_grad=True) for x in ([1.0, 2.0], [3.0], [9.0]))
    value = (a**2).sum() + 5 * b.sum()  # gradients (2, 4) and 5
    assert float(gradient_norm(value, [a, b, unread])) == pytest.approx(math.sqrt(4 + 16 + 25))
    assert float(gradient_norm(value, [unread])) == 0.0 == float(gradient_norm(value.detach(), [a]))
    value.backward()
    assert a.grad.tolist() == [2.0, 4.0] and unread.grad is None


def test_it_is_float32_whatever_autocast_says():
    layer = torch.nn.Linear(64, 64)
    images = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    with torch.autocast('cpu', torch.bfloat16):
        value = layer(images).float().square().mean()
        norm = gradient_norm(value, list(layer.parameters()))
    value.backward()
    by_hand = math.sqrt(sum(float(p.grad.double().square().sum()) for p in layer.parameters()))
    assert norm.dtype == torch.float32 and float(norm) == pytest.approx(by_hand, rel=1e-6)


def test_the_factor_is_of_means_over_the_first_iterations_and_then_fixed():
    weight, tasks, own = AutoWeight(0.5), [2.0, 4.0, 9.0] * 7, [1.0, 3.0, 5.0] * 7
    assert weight.factor == 1.0
    for i, (a, b) in enumerate(zip(tasks[:ITERATIONS], own[:ITERATIONS], strict=True)):
        weight.see(torch.tensor(a), torch.tensor(b))
        assert weight.factor == pytest.approx(0.5 * sum(tasks[: i + 1]) / sum(own[: i + 1]), rel=1e-6)
        assert weight.fixed == (i == ITERATIONS - 1)
    other = AutoWeight(0.5)
    other.load_state_dict(weight.state_dict())
    assert (other.factor, other.fixed) == (weight.factor, True)
    assert copy.deepcopy(weight).factor == weight.factor
    weight.forget()
    assert (weight.factor, weight.fixed, other.fixed) == (1.0, False, True)


def test_an_iteration_that_is_not_finite_does_not_count():
    weight = AutoWeight(1.0)
    for own in (math.nan, 2.0, math.inf):
        weight.see(torch.tensor(6.0), torch.tensor(own))
    assert weight.measured == (1, 6.0, 2.0) and weight.factor == 3.0
    assert math.isnan(weight_for(0.1, 1.0, 0.0))


@pytest.mark.parametrize('name', OURS)
def test_every_loss_takes_a_share(name):
    loss = MODELS.build(dict(type=f'mmkd_ext.{name}', loss_weight='auto:0.25'))
    assert (loss.loss_weight, loss.auto_weight.share, list(loss.auto_weight.state_dict())) == (1.0, 0.25, ['seen'])
    plain = MODELS.build(dict(type=f'mmkd_ext.{name}', loss_weight=0.25))
    assert (plain.loss_weight, plain.auto_weight) == (0.25, None) and 'auto_weight.seen' not in plain.state_dict()


@pytest.mark.parametrize('text', [
    'auto', 'auto:', 'auto:-1', 'auto:0', 'auto:x', 'auto:nan', 'auto:inf', 'auto:0.1:2', 'Auto:0.1', '0.1', '', 'auto: '])
def test_another_text_is_one_sentence(text):
    with pytest.raises(ValueError, match=r"CosineLoss needs loss_weight to be a finite number >= 0, or 'auto:SHARE'.*got ") as caught:
        type('CosineLoss', (DistillationLoss,), {})(text)
    assert repr(text) in str(caught.value)
