"""Numerics of the losses against plain Python, and at the ends of what their types hold."""

from math import exp, log, sqrt

import pytest
import torch

from mmkd_ext.losses.numerics import (
    at_least_float32,
    check_exponent,
    check_logits,
    check_tau,
    divergence,
    log_probabilities,
    standardised,
)


@pytest.mark.parametrize(('given', 'kept'), [
    (torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
    ids=str)
def test_half_precision_becomes_float32_and_the_rest_stays(given, kept):
    assert at_least_float32(torch.ones(2, dtype=given)).dtype == kept


def test_log_probabilities_and_divergence_are_the_formulas(rng):
    rows = 3 * torch.randn(2, 4, generator=rng, dtype=torch.float64)
    p, q = ([exp(x) / sum(map(exp, row)) for x in row] for row in rows.tolist())
    log_p, log_q = log_probabilities(rows)
    assert log_p.tolist() == pytest.approx([log(x) for x in p], rel=1e-12)
    expected = sum(b * log(b / a) for a, b in zip(p, q, strict=True))
    assert divergence(log_q, log_p).item() == pytest.approx(expected, rel=1e-12)
    assert divergence(log_p, log_p).item() == 0


def test_log_probabilities_are_finite_where_logits_lie_farther_apart_than_float32_reaches():
    end = torch.finfo(torch.float32).max
    found = log_probabilities(torch.tensor([[end, -end, 0.0]]))
    assert found.isfinite().all() and found[0, 0] == 0
    assert divergence(found, found.roll(1, 1)).isfinite().all()


@pytest.mark.parametrize('dim', [1, (0, 2)], ids=str)
def test_standardised_values_are_deviations_in_units_of_the_population_s(rng, dim):
    x = 5 * torch.randn(3, 4, 5, generator=rng, dtype=torch.float64) - 2
    found = standardised(x, dim)
    values, results = (x[1, :, 2], found[1, :, 2]) if dim == 1 else (x[:, 1].flatten(), found[:, 1].flatten())
    mean = sum(values.tolist()) / len(values)
    deviation = sqrt(sum((v - mean) ** 2 for v in values.tolist()) / len(values))
    assert results.tolist() == pytest.approx([(v - mean) / deviation for v in values.tolist()], rel=1e-12)


@pytest.mark.parametrize('size', [1e-30, 1.0, 1e30])
def test_neither_size_nor_level_changes_what_is_standardised(rng, size):
    x = torch.randn(2, 9, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(standardised((size * x).float(), 1), standardised(x, 1).float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('value', [0.0, 0.3, -1e4])
def test_values_that_are_constant_up_to_rounding_become_0_and_send_no_gradient(value):
    x = torch.full((2, 6), value)
    x[0] += torch.finfo(torch.float32).eps * abs(value) * torch.tensor([0, 1, 0, 1, 0, 1])
    x.requires_grad_()
    found = standardised(x, 1)
    (gradient,) = torch.autograd.grad(found.square().sum() + found.sum(), x)
    assert not found.any() and not gradient.any()


@pytest.mark.parametrize('shapes', [
    ((2, 3), (2, 4)), ((2, 3), (3, 3)), ((2, 3, 1), (2, 3, 1)), ((0, 3), (0, 3)), ((2, 0), (2, 0)), ((3,), (3,))])
def test_logits_of_other_shapes_are_refused_and_both_are_named(shapes):
    student, teacher = map(torch.zeros, shapes)
    with pytest.raises(ValueError, match='kd_loss needs student and teacher logits of one shape') as error:
        check_logits('kd_loss', student, teacher)
    assert all(str(shape) in str(error.value) for shape in shapes)


def test_logits_of_one_shape_are_taken():
    check_logits('kd_loss', torch.zeros(1, 1), torch.zeros(1, 1))


@pytest.mark.parametrize(('check', 'words'), [
    (check_tau, 'XLoss needs a temperature tau > 0'), (check_exponent, 'XLoss needs an exponent gamma > 0')])
@pytest.mark.parametrize('value', [0, -0.5, float('nan'), float('inf'), True, None, '4', [4.0]])
def test_what_is_no_positive_number_is_refused(check, words, value):
    check('XLoss', 1e-3), check('XLoss', 4)
    with pytest.raises(ValueError, match=words) as error:
        check('XLoss', value)
    assert repr(value) in str(error.value)
