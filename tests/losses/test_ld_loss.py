"""LD against its formula and its limits."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from mmkd_ext.losses.kd_loss import kd_loss
from mmkd_ext.losses.ld_loss import LDLoss, ld_loss
from mmkd_ext.models.outputs.outputs import Outputs


def naive_ld(student: Tensor, teacher: Tensor, tau: float, weights: Tensor) -> Tensor:
    total = 0.0
    for s_edges, t_edges, w in zip(student.tolist(), teacher.tolist(), weights.tolist(), strict=True):
        for s, t in zip(s_edges, t_edges, strict=True):
            p, q = [exp(x / tau) for x in s], [exp(x / tau) for x in t]
            total += w * sum(b / sum(q) * log(b / sum(q) / (a / sum(p))) for a, b in zip(p, q, strict=True))
    return torch.tensor(tau**2 * total / sum(weights.tolist()), dtype=student.dtype)


@pytest.mark.parametrize('tau', [0.5, 1.0, 10.0])
@pytest.mark.parametrize(('positions', 'places'), [(1, 2), (5, 17), (3, 1)])
def test_equals_the_formula(rng, positions, places, tau):
    student, teacher = 3 * torch.randn(2, positions, 4, places, generator=rng, dtype=torch.float64)
    weights = torch.rand(positions, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(ld_loss(student, teacher, tau, weights), naive_ld(student, teacher, tau, weights), rtol=1e-9, atol=1e-12)
    plain = naive_ld(student, teacher, tau, torch.ones(positions))
    torch.testing.assert_close(ld_loss(student, teacher, tau), plain, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(ld_loss(student, teacher, tau, 7 * torch.ones(positions)), plain, rtol=1e-9, atol=1e-12)


def test_is_four_times_kd_whose_classes_are_places_and_whose_samples_are_edges(rng):
    student, teacher = torch.randn(2, 6, 4, 9, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(ld_loss(student, teacher, 3.0), 4 * kd_loss(student.flatten(0, 1), teacher.flatten(0, 1), 3.0))


def test_only_positions_that_count_are_compared_and_without_any_it_is_0(rng):
    student, teacher = torch.randn(2, 3, 4, 9, generator=rng)
    student.requires_grad_()
    weights = torch.tensor([0.0, 2.0, 0.0], requires_grad=True)
    loss = ld_loss(student, teacher, 10.0, weights)
    loss.backward()
    torch.testing.assert_close(loss, ld_loss(student[1:2], teacher[1:2], 10.0))
    assert student.grad[0].abs().max() == 0 and student.grad[1].abs().min() > 0 and weights.grad is None
    assert float(ld_loss(student, teacher, 10.0, torch.zeros(3)).detach()) == 0
    assert float(ld_loss(teacher, teacher, 10.0)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize('weighted', [True, False])
def test_the_module_weights_positions_by_the_student_s_highest_score(rng, weighted):
    draw = torch.randn(2, 5, 4 * 9 + 3, generator=rng, dtype=torch.float64)
    student, teacher = (Outputs((), torch.zeros(5, 2), x[:, :3], edges=x[:, 3:].unflatten(1, (4, 9))) for x in draw)
    weights = torch.tensor([max(1 / (1 + exp(-x)) for x in row) for row in student.logits.tolist()]) if weighted else torch.ones(5)
    loss = LDLoss(tau=2.0, loss_weight=3.0, weighted=weighted)
    torch.testing.assert_close(loss(student, teacher), 3 * naive_ld(student.edges, teacher.edges, 2.0, weights), rtol=1e-6, atol=0)
    assert not list(loss.parameters()) and loss.build_for(student, teacher) == []


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32_and_stays_finite(rng, dtype):
    student, teacher = (10 * torch.randn(2, 3, 4, 9, generator=rng)).to(dtype)
    torch.testing.assert_close(ld_loss(student, teacher, 1.0), ld_loss(student.float(), teacher.float(), 1.0), rtol=0, atol=0)
    assert ld_loss(6e4 * student.sign(), -6e4 * student.sign(), 1.0).isfinite()


@pytest.mark.parametrize(('shapes', 'text'), [
    (((2, 4, 9), (2, 4, 8)), r'got \(2, 4, 9\) and \(2, 4, 8\). Do both heads have the same reg_max'),
    (((2, 3, 9), (2, 3, 9)), r'one shape \(N, 4, B\)'), (((0, 4, 9), (0, 4, 9)), 'N and B > 0')])  # fmt: skip
def test_wrong_shapes_are_named(shapes, text):
    with pytest.raises(ValueError, match=text):
        ld_loss(*map(torch.zeros, shapes), 10.0)
    with pytest.raises(ValueError, match=r'weights \(N,\) of logits \(N, 4, B\), got \(3,\) and \(2, 4, 9\)'):
        ld_loss(torch.zeros(2, 4, 9), torch.zeros(2, 4, 9), 10.0, torch.ones(3))
    with pytest.raises(ValueError, match='tau > 0'):
        ld_loss(torch.zeros(2, 4, 9), torch.zeros(2, 4, 9), 0.0)
