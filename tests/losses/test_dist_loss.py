"""DIST against its formula, its limits and the golden numbers."""

from math import exp, sqrt

import pytest
import torch
from support import golden
from torch import Tensor

from mmkd_ext.losses.dist_loss import dist_loss


def pearson(a: list[float], b: list[float]) -> float:
    a, b = [x - sum(a) / len(a) for x in a], [x - sum(b) / len(b) for x in b]
    return sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def naive_dist(student: Tensor, teacher: Tensor, tau: float, beta: float, gamma: float) -> Tensor:
    rows = []
    for logits in (student.tolist(), teacher.tolist()):
        powers = [[exp(z / tau) for z in row] for row in logits]
        rows.append([[x / sum(row) for x in row] for row in powers])
    columns = [list(zip(*table, strict=True)) for table in rows]
    inter = 1 - sum(map(pearson, *rows)) / len(rows[0])
    intra = 1 - sum(map(pearson, *columns)) / len(columns[0])
    return torch.tensor(tau**2 * (beta * inter + gamma * intra), dtype=student.dtype)


@pytest.mark.parametrize('tau', [1.0, 4.0])
@pytest.mark.parametrize(('beta', 'gamma'), [(1.0, 1.0), (2.0, 0.0), (0.0, 3.0)])
def test_equals_the_formula(rng, tau, beta, gamma):
    student, teacher = torch.randn(2, 5, 7, generator=rng, dtype=torch.float64)
    expected = naive_dist(student, teacher, tau, beta, gamma)
    # the published code's epsilon of 1e-8 is felt in the sixth digit
    torch.testing.assert_close(dist_loss(student, teacher, tau, beta, gamma), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize('case', golden.load('losses')['logits'], ids=lambda case: f'tau={case["tau"]}')
def test_equals_the_golden_numbers(case):
    shape = (case['B'], case['C'])
    student = (golden.uniform(shape, case['salt']) * case['scale']).requires_grad_()
    teacher = golden.uniform(shape, case['salt'] + 1) * case['scale']
    loss = dist_loss(student, teacher, case['tau'])
    loss.backward()
    assert loss.item() == pytest.approx(case['dist'], rel=1e-9)
    assert student.grad.norm().item() == pytest.approx(case['dist_grad_norm'], rel=1e-9)


def test_is_zero_for_predictions_that_are_affine_in_the_teacher_s(rng):
    teacher = torch.randn(6, 8, generator=rng, dtype=torch.float64)
    duller = 0.4 * teacher.softmax(1) + 0.6 / 8
    assert dist_loss(duller.log(), teacher, 1.0).item() == pytest.approx(0, abs=1e-5)
    assert dist_loss(teacher * 0.4, teacher, 1.0) > 0.01  # dull logits are another matter


def test_is_largest_for_opposite_predictions(rng):
    teacher = torch.randn(6, 8, generator=rng, dtype=torch.float64)
    opposite = 2 / 8 - 0.1 * teacher.softmax(1)
    assert dist_loss(opposite.log(), teacher, 1.0, 2.0, 3.0).item() == pytest.approx(2 * (2 + 3), rel=1e-4)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize('constant', ['rows', 'columns', 'all', 'one sample'])
def test_constant_rows_and_columns_count_1_and_send_no_gradient(rng, constant, dtype):
    student, teacher = torch.randn(2, 5, 7, generator=rng, dtype=dtype)
    if constant == 'rows':
        student = torch.full_like(student, 0.3)
    if constant == 'columns':
        student = student[:1].expand(5, 7).clone()
    if constant == 'all':
        student = torch.full_like(student, 0.3)
        teacher = torch.full_like(teacher, -0.1)
    if constant == 'one sample':
        student, teacher = student[:1], teacher[:1]
    student.requires_grad_()
    loss = dist_loss(student, teacher, 1.0, beta=float(constant == 'rows'), gamma=float(constant != 'rows'))
    loss.backward()
    assert loss.item() == pytest.approx(1.0, abs=1e-6)
    assert student.grad.abs().max() == 0
