"""VkD against its formula; the projection keeps lengths at every step."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from mmkd_ext.losses.vkd_loss import VkDLoss, vkd_loss
from mmkd_ext.models.outputs.outputs import Outputs


def naive_standardised(rows: list[list[float]]) -> list[list[float]]:
    results = []
    for row in rows:
        mean = sum(row) / len(row)
        deviation = sqrt(sum((x - mean) ** 2 for x in row) / len(row))
        results.append([(x - mean) / deviation for x in row])
    return results


def naive_vkd(student: Tensor, teacher: Tensor, normalise: str | None) -> Tensor:
    t = teacher.tolist()
    if normalise == 'sample':
        t = naive_standardised(t)
    if normalise == 'batch':
        t = list(zip(*naive_standardised(list(zip(*t, strict=True))), strict=True))
    total = sum((a - b) ** 2 for x, y in zip(student.tolist(), t, strict=True) for a, b in zip(x, y, strict=True))
    return torch.tensor(total / student.numel(), dtype=student.dtype)


def gram_schmidt(columns: list[list[float]]) -> list[list[float]]:
    """Orthonormal columns, each along what the ones before leave of it."""
    found: list[list[float]] = []
    for column in columns:
        for other in found:
            share = sum(a * b for a, b in zip(column, other, strict=True))
            column = [a - share * b for a, b in zip(column, other, strict=True)]
        length = sqrt(sum(a * a for a in column))
        found.append([a / length for a in column])
    return found


def outputs(embedding: Tensor) -> Outputs:
    return Outputs((), embedding, torch.zeros(len(embedding), 3))


@pytest.mark.parametrize('normalise', ['sample', 'batch', None])
@pytest.mark.parametrize('shape', [(5, 7), (2, 2)])
def test_equals_the_formula(rng, shape, normalise):
    student, teacher = 2 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) + 1
    torch.testing.assert_close(vkd_loss(student, teacher, normalise), naive_vkd(student, teacher, normalise), rtol=1e-9, atol=0)


@pytest.mark.parametrize(('narrow', 'wide'), [(4, 7), (7, 4), (5, 5)])
def test_the_matrix_is_that_of_gram_schmidt_and_the_module_the_formula_behind_it(rng, narrow, wide):
    student = torch.randn(6, narrow, generator=rng, dtype=torch.float64).requires_grad_()
    teacher = torch.randn(6, wide, generator=rng, dtype=torch.float64).requires_grad_()
    loss = VkDLoss(loss_weight=2.5)
    assert loss.build_for(outputs(student), outputs(teacher)) == [
        ('embedding', str(narrow), str(wide), f'orthogonal ({narrow}, {wide})')]
    loss.double()
    weight = torch.randn(wide, narrow, generator=rng, dtype=torch.float64)
    with torch.no_grad():
        loss.projection.weight.copy_(weight)
    vectors = torch.tensor(gram_schmidt((weight if narrow > wide else weight.T).tolist()), dtype=torch.float64)
    matrix = vectors if narrow > wide else vectors.T
    torch.testing.assert_close(loss.projection.matrix(), matrix, rtol=1e-9, atol=1e-12)
    value = loss(outputs(student), outputs(teacher))
    expected = 2.5 * naive_vkd(student.detach() @ matrix.T, teacher.detach(), 'sample')
    torch.testing.assert_close(value, expected, rtol=1e-9, atol=0)
    value.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0 and loss.projection.weight.grad.abs().sum() > 0
    # along the weight itself nothing changes: its size does not matter
    share = (loss.projection.weight.grad * weight).sum()
    assert share.abs() < 1e-12


def test_lengths_and_angles_are_kept_after_steps_of_an_optimizer_and_under_autocast(rng):
    torch.manual_seed(0)
    student, teacher = torch.randn(8, 16, generator=rng), torch.randn(8, 48, generator=rng)
    loss = VkDLoss()
    loss.build_for(outputs(student), outputs(teacher))
    torch.testing.assert_close(loss.projection.matrix(), loss.projection.weight, rtol=0, atol=1e-5)  # where it begins
    before = loss.projection.matrix().detach()
    optimizer = torch.optim.SGD(loss.parameters(), lr=5.0, momentum=0.9, weight_decay=0.1)
    values = []
    for _ in range(20):
        optimizer.zero_grad()
        values.append(loss(outputs(student), outputs(teacher)))
        values[-1].backward()
        optimizer.step()
    assert values[-1] < values[0] - 0.05 and not torch.allclose(loss.projection.matrix(), before, atol=0.05)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = loss.projection(student.bfloat16().float())
    assert found.dtype == torch.float32
    exact = student.bfloat16().float()
    torch.testing.assert_close(found @ found.T, exact @ exact.T, rtol=1e-4, atol=1e-4)


def test_is_zero_for_a_student_whose_projection_is_the_standardised_teacher(rng):
    teacher = torch.randn(6, 7, generator=rng, dtype=torch.float64)
    target = torch.tensor(naive_standardised(teacher.tolist()), dtype=torch.float64)
    assert vkd_loss(target, teacher).item() == pytest.approx(0, abs=1e-20)
    assert vkd_loss(target, 3 * teacher - 5).item() == pytest.approx(0, abs=1e-20)  # the teacher's size and level do not matter
    assert vkd_loss(torch.zeros_like(target), teacher).item() == pytest.approx(1)  # the variance


@pytest.mark.parametrize(('normalise', 'expected'), [('sample', 1.0), ('batch', 0.0)])
def test_one_sample_is_standardised_by_itself_or_is_zero(rng, normalise, expected):
    teacher = torch.randn(1, 7, generator=rng, dtype=torch.float64)
    assert vkd_loss(torch.zeros_like(teacher), teacher, normalise).item() == pytest.approx(expected)


@pytest.mark.parametrize('normalise', ['layer', '', 1, True, ['sample']])
def test_another_normalisation_is_refused(normalise):
    with pytest.raises(ValueError, match="VkDLoss needs normalise of 'sample', 'batch' or None, got"):
        VkDLoss(normalise=normalise)


def test_without_build_for_is_one_sentence():
    with pytest.raises(RuntimeError, match='VkDLoss needs its projection before the first step'):
        VkDLoss()(outputs(torch.zeros(2, 3)), outputs(torch.zeros(2, 3)))
