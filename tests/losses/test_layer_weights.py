"""Shares of a sum from the losses themselves."""

from math import exp

import pytest
import torch

from mmkd_ext.losses.layer_weights import STRATEGIES, loss_based_weights

FORMULAS = {
    'softmax': lambda values: [exp(v) for v in values],
    'proportional': lambda values: values,
    'inverse_softmax': lambda values: [exp(-v) for v in values],
    'uniform': lambda values: [1.0 for _ in values],
}


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_equals_the_formula(strategy):
    values = [0.3, 1.2, 2.0]
    shares = FORMULAS[strategy](values)
    expected = torch.tensor([s / sum(shares) for s in shares], dtype=torch.float64)
    torch.testing.assert_close(loss_based_weights(torch.tensor(values, dtype=torch.float64), strategy), expected)


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    'values',
    [[0.0] * 3, [2.0] * 3, [6e4, 1.0, 0.0], [3e38, 3e38, 1.0], [float('inf'), 1.0, 2.0], [1e-7, 0.0, 0.0], [5.0]],
    ids=str)
def test_sums_to_1_and_is_finite_and_detached(values, dtype, strategy):
    losses = torch.tensor(values, dtype=dtype, requires_grad=True)
    weights = loss_based_weights(losses, strategy)
    assert not weights.requires_grad
    assert weights.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert (weights >= 0).all()
    assert weights.sum().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_equal_losses_are_shared_evenly(strategy):
    for value in (0.0, 0.7, 1e30):
        weights = loss_based_weights(torch.full((4,), value), strategy)
        torch.testing.assert_close(weights, torch.full((4,), 0.25))


def test_harder_layers_get_more_or_less_by_strategy():
    losses = torch.tensor([0.5, 3.0, 1.0])
    order = {s: loss_based_weights(losses, s).argsort().tolist() for s in STRATEGIES if s != 'uniform'}
    assert order == {'softmax': [0, 2, 1], 'proportional': [0, 2, 1], 'inverse_softmax': [1, 2, 0]}


def test_nan_is_not_hidden():
    for strategy in ('softmax', 'proportional', 'inverse_softmax'):
        assert loss_based_weights(torch.tensor([1.0, float('nan')]), strategy).isnan().any()


@pytest.mark.parametrize('losses', [torch.tensor(1.0), torch.zeros(0), torch.zeros(2, 2)])
def test_needs_a_vector(losses):
    with pytest.raises(ValueError, match='vector'):
        loss_based_weights(losses, 'softmax')


def test_names_the_strategies_it_has():
    with pytest.raises(ValueError, match="softmax, proportional, inverse_softmax, uniform, got 'hard'"):
        loss_based_weights(torch.ones(2), 'hard')
