"""DSKD's terms, layer by layer, against their formulas in plain Python; value and gradient."""

from typing import Any

import pytest
import torch
from support.operations import Operations
from torch import Tensor
from witnesses.naive_dskd import naive_distance, naive_kl, naive_weights

from mmkd_ext.losses import kd_loss, layer_kd_losses, layer_map_losses, loss_based_weights
from mmkd_ext.losses.layer_weights import STRATEGIES

TIGHT: dict[str, Any] = {'rtol': 1e-9, 'atol': 1e-12}


def draw(rng: torch.Generator, *shape: int) -> Tensor:
    return (2 * torch.randn(*shape, generator=rng, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_weighted_divergences_and_gradients_are_the_formula_s(rng, tau, strategy):
    layers, teacher = [draw(rng, 5, 7) for _ in range(3)], draw(rng, 5, 7)
    losses = layer_kd_losses(layers, teacher, tau)
    total = (loss_based_weights(losses, strategy) * losses).sum()
    total.backward()
    expected = [naive_kl(layer.detach(), teacher.detach(), tau) for layer in layers]
    weights = naive_weights([value for value, _ in expected], strategy)
    torch.testing.assert_close(losses.detach(), torch.tensor([v for v, _ in expected], dtype=torch.float64), **TIGHT)
    assert total.item() == pytest.approx(sum(w * v for w, (v, _) in zip(weights, expected, strict=True)), rel=1e-9)
    for layer, weight, (_, gradient) in zip(layers, weights, expected, strict=True):
        torch.testing.assert_close(layer.grad, weight * gradient, **TIGHT)
    assert teacher.grad is None


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('sizes', [
    ((8, 8), (4, 4)), ((4, 4), (8, 8)), ((5, 7), (3, 3)), ((2, 9), (4, 6)), ((3, 3), (3, 3))])
def test_weighted_distances_and_gradients_are_the_formula_s(rng, sizes, strategy):
    layers = [draw(rng, 2, 3, *sizes[0]), draw(rng, 2, 5, 6, 6)]
    teachers = [draw(rng, 2, 3, *sizes[1]), draw(rng, 2, 5, 2, 2)]
    losses = layer_map_losses(layers, teachers)
    total = (loss_based_weights(losses, strategy) * losses).sum()
    total.backward()
    expected = [naive_distance(s.detach(), t.detach()) for s, t in zip(layers, teachers, strict=True)]
    weights = naive_weights([value for value, _ in expected], strategy)
    assert total.item() == pytest.approx(sum(w * v for w, (v, _) in zip(weights, expected, strict=True)), rel=1e-9)
    for layer, weight, (value, gradient), found in zip(layers, weights, expected, losses.tolist(), strict=True):
        assert found == pytest.approx(value, rel=1e-9)
        torch.testing.assert_close(layer.grad, weight * gradient, **TIGHT)
    assert all(t.grad is None for t in teachers)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_one_layer_is_plain_kd_on_it(rng, strategy):
    student, teacher = draw(rng, 5, 7), draw(rng, 5, 7)
    losses = layer_kd_losses([student], teacher, 4.0)
    torch.testing.assert_close((loss_based_weights(losses, strategy) * losses).sum(), kd_loss(student, teacher, 4.0))


def test_layers_alike_are_weighted_alike(rng):
    student, teacher = draw(rng, 5, 7), draw(rng, 5, 7)
    losses = layer_kd_losses([student] * 4, teacher, 4.0)
    for strategy in STRATEGIES:
        torch.testing.assert_close(loss_based_weights(losses, strategy), torch.full((4,), 0.25, dtype=torch.float64))


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize('sizes', [(6e4, 0.0), (0.0, 0.0), (6e4, 6e4), (0.0, 6e4)], ids=str)
def test_weighted_losses_of_extreme_layers_are_finite(rng, strategy, dtype, sizes):
    def layers(*shape: int) -> list[Tensor]:
        signs = [torch.randn(4, *shape, generator=rng).sign() for _ in sizes]
        return [(s * size).to(dtype).requires_grad_() for s, size in zip(signs, sizes, strict=True)]

    classes, maps = layers(7), layers(3, 4, 4)
    for losses in (
        layer_kd_losses(classes, (3 * torch.randn(4, 7, generator=rng)).to(dtype), 4.0),
        layer_map_losses(maps, [torch.randn(4, 3, 2, 2, generator=rng).to(dtype)] * 2),
        layer_kd_losses(classes, classes[0].detach(), 4.0),
        layer_map_losses(maps, [m.detach() for m in maps]),
    ):
        total = (loss_based_weights(losses, strategy) * losses).sum()
        total.backward()
        assert total.isfinite() and losses.dtype == torch.float32
    assert all(x.grad.isfinite().all() for x in (*classes, *maps))


def test_all_layers_are_one_computation(rng):
    """The number of operations is that of one layer, however many there are."""
    counts = []
    for number in (2, 9):
        layers, teacher = [draw(rng, 5, 7) for _ in range(number)], draw(rng, 5, 7)
        with Operations() as operations:
            layer_kd_losses(layers, teacher, 4.0)
        counts.append(operations.count)
    assert counts[0] == counts[1] > 0


def test_layers_that_do_not_fit_are_named(rng):
    with pytest.raises(ValueError, match=r'at layer 1 \(5, 6\) and \(5, 7\)'):
        layer_kd_losses([draw(rng, 5, 7), draw(rng, 5, 6)], draw(rng, 5, 7), 4.0)
    with pytest.raises(ValueError, match='at least one layer'):
        layer_kd_losses([], draw(rng, 5, 7), 4.0)
    with pytest.raises(ValueError, match='tau > 0, got 0'):
        layer_kd_losses([draw(rng, 5, 7)], draw(rng, 5, 7), 0.0)
    with pytest.raises(ValueError, match=r'at layer 0 \(5, 7, 2, 2\) and \(5, 6, 2, 2\)'):
        layer_map_losses([draw(rng, 5, 7, 2, 2)], [draw(rng, 5, 6, 2, 2)])
    with pytest.raises(ValueError, match='got 1 and 2'):
        layer_map_losses([draw(rng, 5, 7, 2, 2)], [draw(rng, 5, 7, 2, 2)] * 2)
