"""TESKD's two terms against plain Python, their limits, and what is refused."""

import pytest
import torch
from witnesses.naive_teskd_terms import plain_feature, plain_kl

from mmkd_ext.losses import teskd_feature_loss, teskd_kl


@pytest.mark.parametrize('tau', [0.5, 1.0, 4.0])
def test_equals_the_formula(rng, tau):
    student, teacher = 3 * torch.randn(2, 6, 7, generator=rng, dtype=torch.float64)
    assert teskd_kl(student, teacher, tau).item() == pytest.approx(plain_kl(student, teacher, tau), rel=1e-12)
    assert teskd_feature_loss(student, teacher).item() == pytest.approx(plain_feature(student, teacher), rel=1e-12)


def test_gradient_to_the_teacher_logits_is_the_papers(rng):
    student, teacher = torch.randn(2, 6, 7, generator=rng, dtype=torch.float64) * 3
    teacher.requires_grad_()
    teskd_kl(student, teacher, 4.0).backward()
    p = torch.softmax(teacher.detach() / 4, dim=1)
    d = torch.log(p + 1e-7) - torch.log_softmax(student / 4, dim=1)
    torch.testing.assert_close(teacher.grad, 4 / 6 * p * (d - (p * d).sum(dim=1, keepdim=True)))


def test_equal_networks_have_nothing_to_learn(rng):
    logits = torch.randn(6, 7, generator=rng, dtype=torch.float64)
    assert abs(teskd_kl(logits, logits.clone(), 4.0).item()) < 16 * 2 * 7e-7  # tau^2 * 7 classes * 1e-7, twice
    assert teskd_feature_loss(logits, logits.clone()).item() == 0


@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_kl_passes_gradcheck_in_both_arguments(rng, tau):
    student, teacher = torch.randn(2, 3, 4, generator=rng, dtype=torch.float64, requires_grad=True).unbind()
    assert torch.autograd.gradcheck(lambda s, t: teskd_kl(s, t, tau), (student, teacher))
    assert torch.autograd.gradcheck(lambda s: teskd_feature_loss(s, teacher), (student,))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_extremes_stay_finite(dtype):
    big = torch.tensor([[6e4, -6e4, 0.0], [-6e4, 6e4, 6e4], [6e4, 6e4, 6e4]], dtype=dtype)
    student, teacher = big.clone().requires_grad_(), big.roll(1, 1).clone().requires_grad_()
    kl = teskd_kl(student, teacher, 4.0)
    feature = teskd_feature_loss(student, teacher)
    assert (kl.dtype, feature.dtype) == (torch.float32, torch.float32) and kl.isfinite() and feature.isfinite()
    (0.8 * kl + 1e-7 * feature).backward()
    assert student.grad.isfinite().all() and teacher.grad.isfinite().all() and student.grad.any() and teacher.grad.any()


@pytest.mark.parametrize('loss', [lambda s, t: teskd_kl(s, t, 4.0), teskd_feature_loss], ids=['kl', 'feature'])
@pytest.mark.parametrize('shapes', [((5, 7), (5, 6)), ((5, 7), (4, 7)), ((5, 7), (1, 7)), ((5, 7, 1), (5, 7))])
def test_wrong_shapes_are_named(loss, shapes):
    with pytest.raises(ValueError) as error:
        loss(*(torch.zeros(shape) for shape in shapes))
    assert all(str(shape) in str(error.value) for shape in shapes)


@pytest.mark.parametrize('tau', [0.0, -1.0, float('nan'), float('inf'), 'hot', True])
def test_a_temperature_that_is_none_is_refused(tau):
    with pytest.raises(ValueError, match=f'teskd_kl needs a temperature tau > 0, got {tau!r}'):
        teskd_kl(torch.zeros(2, 3), torch.zeros(2, 3), tau)
