"""DKD against its formula, ordinary KD and the golden numbers."""

from math import exp, log

import pytest
import torch
from support import golden
from torch import Tensor
from witnesses.naive_kd import naive_z_scores

from mmkd_ext.losses.dkd_loss import DKDLoss, dkd_loss
from mmkd_ext.losses.kd_loss import kd_loss
from mmkd_ext.models.outputs.outputs import Outputs


def naive_dkd(
    student: Tensor, teacher: Tensor, target: Tensor, tau: float, alpha: float, beta: float) -> Tensor:
    total = 0.0
    for s, t, y in zip(student.tolist(), teacher.tolist(), target.tolist(), strict=True):
        p, q = [exp(z / tau) for z in s], [exp(z / tau) for z in t]
        p, q = [a / sum(p) for a in p], [b / sum(q) for b in q]
        total += alpha * (q[y] * log(q[y] / p[y]) + (1 - q[y]) * log((1 - q[y]) / (1 - p[y])))
        for k in range(len(p)):
            if k != y:
                b, a = q[k] / (1 - q[y]), p[k] / (1 - p[y])
                total += beta * b * log(b / a)
    return torch.tensor(tau**2 * total / len(student), dtype=student.dtype)


@pytest.mark.parametrize('tau', [1.0, 4.0])
@pytest.mark.parametrize(('alpha', 'beta'), [(1.0, 8.0), (0.0, 2.0), (3.0, 0.0)])
@pytest.mark.parametrize('classes', [2, 7])
def test_equals_the_formula(rng, classes, alpha, beta, tau):
    student, teacher = torch.randn(2, 5, classes, generator=rng, dtype=torch.float64)
    target = torch.arange(5) % classes
    expected = naive_dkd(student, teacher, target, tau, alpha, beta)
    torch.testing.assert_close(dkd_loss(student, teacher, target, tau, alpha, beta), expected)


@pytest.mark.parametrize('case', golden.load('losses')['logits'], ids=lambda case: f'tau={case["tau"]}')
def test_equals_the_golden_numbers(case):
    shape = (case['B'], case['C'])
    student = (golden.uniform(shape, case['salt']) * case['scale']).requires_grad_()
    teacher = golden.uniform(shape, case['salt'] + 1) * case['scale']
    target = torch.tensor(case['target'])
    loss = dkd_loss(student, teacher, target, case['tau'], case['dkd_alpha'], case['dkd_beta'])
    loss.backward()
    assert loss.item() == pytest.approx(case['dkd'], rel=1e-9)
    assert student.grad.norm().item() == pytest.approx(case['dkd_grad_norm'], rel=1e-9)


def test_is_ordinary_distillation_at_alpha_1_and_beta_the_teacher_s_doubt(rng):
    student, teacher = torch.randn(2, 1, 7, generator=rng, dtype=torch.float64)
    for label in range(7):
        doubt = 1 - (teacher / 3).softmax(1)[0, label].item()
        decoupled = dkd_loss(student, teacher, torch.tensor([label]), 3.0, 1.0, doubt)
        torch.testing.assert_close(decoupled, kd_loss(student, teacher, 3.0))


def test_a_certain_teacher_s_other_classes_are_not_lost(rng):
    """At 1 - q_y = e^-200 a softmax has nothing left of them; log space has all of it."""
    student, teacher = torch.randn(2, 4, 7, generator=rng)
    target = torch.tensor([0, 3, 6, 2])
    certain = teacher + 200 * torch.nn.functional.one_hot(target, 7)
    others = dkd_loss(student, teacher, target, 1.0, 0.0, 1.0)
    torch.testing.assert_close(dkd_loss(student, certain, target, 1.0, 0.0, 1.0), others)


@pytest.mark.parametrize(
    'target', [torch.rand(4, 7), torch.rand(4), torch.zeros(3, dtype=torch.long), torch.zeros(4, 7, dtype=torch.long)])
def test_refuses_all_but_one_integer_label_per_sample(rng, target):
    student, teacher = torch.randn(2, 4, 7, generator=rng)
    with pytest.raises(ValueError, match=r'integer labels of shape \(4,\)') as error:
        dkd_loss(student, teacher, target, 1.0, 1.0, 1.0)
    assert 'mixup' in str(error.value) and str(tuple(target.shape)) in str(error.value)


def test_refuses_a_single_class(rng):
    with pytest.raises(ValueError, match='two classes'):
        dkd_loss(torch.zeros(2, 1), torch.zeros(2, 1), torch.zeros(2, dtype=torch.long), 1.0, 1.0, 1.0)


def test_takes_labels_of_any_integer_type(rng):
    student, teacher = torch.randn(2, 4, 7, generator=rng)
    target = torch.tensor([0, 3, 6, 2])
    expected = dkd_loss(student, teacher, target, 1.0, 1.0, 2.0)
    torch.testing.assert_close(dkd_loss(student, teacher, target.int(), 1.0, 1.0, 2.0), expected)


@pytest.mark.parametrize('tau', [1.0, 2.0])
@pytest.mark.parametrize(('alpha', 'beta'), [(1.0, 8.0), (0.0, 2.0), (3.0, 0.0)])
def test_standardised_equals_the_formula_of_z_scores(rng, alpha, beta, tau):
    student, teacher = 3 * torch.randn(2, 5, 7, generator=rng, dtype=torch.float64) - 5
    target = torch.arange(5)
    expected = naive_dkd(naive_z_scores(student), naive_z_scores(teacher), target, tau, alpha, beta)
    found = dkd_loss(student, teacher, target, tau, alpha, beta, standardise=True)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    module = DKDLoss(tau, alpha, beta, loss_weight=9.0, standardise=True)
    found = module(Outputs((), student[:, :1], student), Outputs((), teacher[:, :1], teacher), target)
    torch.testing.assert_close(found, 9 * expected, rtol=1e-9, atol=1e-12)


def test_standardised_ignores_the_size_of_the_logits(rng):
    student, teacher = torch.randn(2, 5, 7, generator=rng, dtype=torch.float64)
    target = torch.arange(5)
    expected = dkd_loss(student, teacher, target, 2.0, 1.0, 2.0, standardise=True)
    found = dkd_loss(7 * student - 3, 0.2 * teacher + 1, target, 2.0, 1.0, 2.0, standardise=True)
    torch.testing.assert_close(found, expected)
    zero = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(dkd_loss(5 * teacher, teacher, target, 2.0, 1.0, 2.0, standardise=True), zero, rtol=0, atol=1e-12)
