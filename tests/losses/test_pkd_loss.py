"""PKD against its formula, both forms of it, and its limits."""

from math import sqrt

import pytest
import torch
from support.maps import outputs
from torch import Tensor
from witnesses.naive_maps import channel, naive_pkd

from mmkd_ext.losses.pkd_loss import PKDLoss, pkd_loss


def naive_correlation(student: Tensor, teacher: Tensor) -> Tensor:
    total = 0.0
    for c in range(student.shape[1]):
        a, b = channel(student, c), channel(teacher, c)
        a, b = [x - sum(a) / len(a) for x in a], [x - sum(b) / len(b) for x in b]
        total += 1 - sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return torch.tensor(total / student.shape[1], dtype=student.dtype)


@pytest.mark.parametrize('shape', [(2, 3, 4, 5), (1, 2, 2, 1), (5, 1, 1, 1)])
def test_equals_both_forms_of_the_formula(rng, shape):
    student, teacher = 3 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) - 2
    found = pkd_loss(student, teacher)
    torch.testing.assert_close(found, naive_pkd(student, teacher), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found, naive_correlation(student, teacher), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(pkd_loss([student, teacher], [teacher, student]), 2 * found)  # levels are summed


def test_is_zero_for_channels_that_are_affine_in_the_teachers_and_2_for_opposite_ones(rng):
    teacher = torch.randn(2, 3, 4, 4, generator=rng, dtype=torch.float64)
    slope, shift = torch.tensor([[0.2, 5.0, 30.0], [7.0, -1.0, 0.0]], dtype=torch.float64)[:, None, :, None, None]
    assert pkd_loss(slope * teacher + shift, teacher).item() == pytest.approx(0, abs=1e-12)
    assert pkd_loss(shift - slope * teacher, teacher).item() == pytest.approx(2)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize('value', [0.0, 0.3, -1e4])
def test_a_dead_channel_counts_a_half_or_nothing_and_sends_no_gradient(rng, value, dtype):
    student, teacher = torch.randn(2, 2, 2, 4, 4, generator=rng, dtype=dtype)
    student[:, 0], teacher[:, 0] = value, -2 * value
    student.requires_grad_()
    loss = pkd_loss(student, teacher)
    loss.backward()
    torch.testing.assert_close(loss.detach(), naive_pkd(student[:, 1:].detach(), teacher[:, 1:]) / 2)
    assert student.grad[:, 0].abs().max() == 0 and student.grad[:, 1].abs().min() > 0
    one = pkd_loss(student[:, :1].detach(), teacher[:, 1:])
    torch.testing.assert_close(one, torch.tensor(0.5, dtype=dtype))


def test_the_module_is_the_formula_of_its_pairs_times_a_weight(rng):
    student, teacher = outputs(rng, (3, 8, 8), (4, 4, 4)), outputs(rng, (3, 8, 8), (4, 4, 4))
    loss = PKDLoss(loss_weight=6.0)
    loss.build_for(student, teacher)
    expected = sum(naive_pkd(s.detach(), t.detach()) for s, t in zip(student.stages, teacher.stages, strict=True))
    torch.testing.assert_close(loss(student, teacher), 6 * expected, rtol=1e-9, atol=0)
    assert not list(loss.parameters())
