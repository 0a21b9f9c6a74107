"""KD against its formula, its limits and the golden numbers."""


import pytest
import torch
from support import golden
from witnesses.naive_kd import naive_binary_kd, naive_kd, naive_z_scores

from mmkd_ext.losses.kd_loss import KDLoss, binary_kd_loss, kd_loss
from mmkd_ext.models.outputs.outputs import Outputs


@pytest.mark.parametrize('tau', [0.5, 1.0, 4.0])
@pytest.mark.parametrize('shape', [(5, 7), (1, 2), (3, 1)])
def test_equals_the_formula(rng, shape, tau):
    student, teacher = torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(kd_loss(student, teacher, tau), naive_kd(student, teacher, tau))


@pytest.mark.parametrize('case', golden.load('losses')['logits'], ids=lambda case: f'tau={case["tau"]}')
def test_equals_the_golden_numbers(case):
    shape = (case['B'], case['C'])
    student = (golden.uniform(shape, case['salt']) * case['scale']).requires_grad_()
    teacher = golden.uniform(shape, case['salt'] + 1) * case['scale']
    loss = kd_loss(student, teacher, case['tau'])
    loss.backward()
    assert loss.item() == pytest.approx(case['kd'], rel=1e-9)
    assert student.grad.norm().item() == pytest.approx(case['kd_grad_norm'], rel=1e-9)


def test_is_zero_for_predictions_that_differ_by_a_constant(rng):
    teacher = torch.randn(4, 6, generator=rng, dtype=torch.float64)
    shift = torch.randn(4, 1, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(kd_loss(teacher + shift, teacher, 2.0), torch.zeros((), dtype=torch.float64))


def test_is_cross_entropy_where_the_teacher_is_certain(rng):
    student = torch.randn(4, 6, generator=rng, dtype=torch.float64)
    labels = torch.tensor([1, 5, 0, 3])
    teacher = 1e4 * torch.nn.functional.one_hot(labels, 6).double()
    torch.testing.assert_close(kd_loss(student, teacher, 1.0), torch.nn.functional.cross_entropy(student, labels))


def test_is_half_the_variance_of_the_difference_at_a_high_temperature(rng):
    student, teacher = torch.randn(2, 4, 6, generator=rng, dtype=torch.float64)
    expected = (student - teacher).var(dim=1, unbiased=False).mean() / 2
    torch.testing.assert_close(kd_loss(student, teacher, 1e4), expected, rtol=1e-3, atol=0)


def test_module_refuses_its_temperature_when_it_is_built():
    with pytest.raises(ValueError, match='tau > 0, got 0'):
        KDLoss(tau=0)


@pytest.mark.parametrize('tau', [0.5, 1.0, 4.0])
@pytest.mark.parametrize('shape', [(5, 7), (1, 2), (3, 1)])
def test_binary_equals_the_formula_and_teaches_the_student_alone(rng, shape, tau):
    student, teacher = torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    student.requires_grad_(), teacher.requires_grad_()
    loss = binary_kd_loss(student, teacher, tau)
    torch.testing.assert_close(loss, naive_binary_kd(student, teacher, tau))
    torch.testing.assert_close(binary_kd_loss(student.repeat(2, 1), teacher.repeat(2, 1), tau), loss)
    loss.backward()
    expected = tau * ((student / tau).sigmoid() - (teacher / tau).sigmoid()) / len(student)
    torch.testing.assert_close(student.grad, expected.detach())
    assert teacher.grad is None


def test_binary_is_finite_for_extreme_half_precision_logits():
    student = torch.tensor([[6e4, -6e4]], dtype=torch.float16).requires_grad_()
    loss = binary_kd_loss(student, -student.detach(), 1.0)
    loss.backward()
    assert loss.isfinite() and loss > 1e4 and student.grad.isfinite().all()


@pytest.mark.parametrize('tau', [0.5, 2.0, 4.0])
@pytest.mark.parametrize('shape', [(5, 7), (1, 2), (3, 100)])
def test_standardised_equals_the_formula_of_z_scores(rng, shape, tau):
    student, teacher = 3 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) - 5
    expected = naive_kd(naive_z_scores(student), naive_z_scores(teacher), tau)
    torch.testing.assert_close(kd_loss(student, teacher, tau, standardise=True), expected, rtol=1e-9, atol=1e-12)
    module = KDLoss(tau, loss_weight=9.0, standardise=True)
    found = module(Outputs((), student[:, :1], student), Outputs((), teacher[:, :1], teacher))
    torch.testing.assert_close(found, 9 * expected, rtol=1e-9, atol=1e-12)


def test_standardised_is_zero_for_every_student_that_is_affine_in_the_teacher_with_a_positive_slope(rng):
    teacher = torch.randn(4, 6, generator=rng, dtype=torch.float64)
    slope, shift = torch.rand(2, 4, 1, generator=rng, dtype=torch.float64) + 0.1
    zero = torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(kd_loss(slope * teacher + shift, teacher, 2.0, standardise=True), zero, rtol=0, atol=1e-12)
    assert kd_loss(slope * teacher + shift, teacher, 2.0) > 0.001  # the size of the logits is another matter
    assert kd_loss(-slope * teacher, teacher, 2.0, standardise=True) > 0.1


def test_standardised_is_the_plain_loss_of_logits_that_are_z_scores_already(rng):
    student, teacher = map(naive_z_scores, torch.randn(2, 4, 6, generator=rng, dtype=torch.float64))
    torch.testing.assert_close(kd_loss(student, teacher, 2.0, standardise=True), kd_loss(student, teacher, 2.0))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize('value', [0.0, 0.3, -1e4, 3e38])
def test_equal_logits_have_no_z_scores_count_as_a_uniform_prediction_and_send_no_gradient(rng, value, dtype):
    teacher = torch.randn(3, 6, generator=rng, dtype=dtype)
    student = torch.full((3, 6), value, dtype=dtype).requires_grad_()
    loss = kd_loss(student, teacher, 1.0, standardise=True)
    loss.backward()
    torch.testing.assert_close(loss.detach(), kd_loss(torch.zeros_like(teacher), naive_z_scores(teacher), 1.0))
    assert student.grad.abs().max() == 0


def test_z_scores_compare_softmaxes_only():
    assert KDLoss(standardise=True).scores == ('softmax',) and 'sigmoid' in KDLoss().scores
