"""TTM and WTTM against their formulas and their limits."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from mmkd_ext.losses.kd_loss import kd_loss
from mmkd_ext.losses.ttm_loss import TTMLoss, ttm_loss
from mmkd_ext.models.outputs.outputs import Outputs


def naive_ttm(student: Tensor, teacher: Tensor, gamma: float, weighted: bool) -> Tensor:
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = [exp(z) for z in s], [exp(z) for z in t]
        p, q = [x / sum(p) for x in p], [x / sum(q) for x in q]
        powers = [x**gamma for x in q]
        value = sum(x / sum(powers) * log(x / sum(powers) / y) for x, y in zip(powers, p, strict=True))
        total += (sum(powers) if weighted else 1.0) * value
    return torch.tensor(total / len(student), dtype=student.dtype)


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('gamma', [0.1, 0.5, 1.0, 1.5])
@pytest.mark.parametrize('shape', [(5, 7), (1, 2), (3, 1)])
def test_equals_the_formula(rng, shape, gamma, weighted):
    student, teacher = 3 * torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    expected = naive_ttm(student, teacher, gamma, weighted)
    torch.testing.assert_close(ttm_loss(student, teacher, gamma, weighted), expected, rtol=1e-9, atol=1e-12)
    module = TTMLoss(gamma, weighted, loss_weight=45.0)
    found = module(Outputs((), student[:, :1], student), Outputs((), teacher[:, :1], teacher))
    torch.testing.assert_close(found, 45 * expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('weighted', [False, True])
def test_an_exponent_of_1_is_kd_without_a_temperature(rng, weighted):
    student, teacher = torch.randn(2, 5, 7, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(ttm_loss(student, teacher, 1.0, weighted), kd_loss(student, teacher, 1.0))


def test_the_power_is_a_temperature_of_the_teacher_alone(rng):
    student, teacher = torch.randn(2, 5, 7, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(ttm_loss(student, teacher, 0.25), kd_loss(student, teacher / 4, 1.0))
    assert abs(ttm_loss(student, teacher, 0.25) - kd_loss(student, teacher, 4.0) / 16) > 0.01


@pytest.mark.parametrize('weighted', [False, True])
def test_a_certain_teacher_gives_cross_entropy_with_its_class(rng, weighted):
    student = torch.randn(4, 6, generator=rng, dtype=torch.float64)
    labels = torch.tensor([1, 5, 0, 3])
    teacher = 1e4 * torch.nn.functional.one_hot(labels, 6).double()
    torch.testing.assert_close(ttm_loss(student, teacher, 0.1, weighted), torch.nn.functional.cross_entropy(student, labels))


def test_a_teacher_without_an_opinion_has_the_largest_weight(rng):
    student = torch.randn(4, 6, generator=rng, dtype=torch.float64)
    teacher = torch.full_like(student, 2.5)
    torch.testing.assert_close(ttm_loss(student, teacher, 0.3, True), 6**0.7 * ttm_loss(student, teacher, 0.3))


@pytest.mark.parametrize('gamma', [0.0, -1.0, float('nan'), float('inf'), None, True, 'soft'])
def test_an_exponent_that_is_not_positive_is_refused(rng, gamma):
    for call in (lambda: TTMLoss(gamma=gamma), lambda: ttm_loss(torch.zeros(1, 2), torch.zeros(1, 2), gamma)):
        with pytest.raises(ValueError, match='gamma > 0, got'):
            call()
