"""feature_distance of vectors and of maps against its formula, its limits, and what check_distance refuses."""

import pytest
import torch
from witnesses.naive_distance import naive_distance

from mmkd_ext.losses.feature_distance import BY, check_distance, feature_distance


@pytest.mark.parametrize(('by', 'beta'), [('cosine', 1.0), ('smooth_l1', 1.0), ('smooth_l1', 0.25)])
@pytest.mark.parametrize('shape', [(4, 6), (2, 3, 4, 5), (3, 5, 7)])
def test_equals_the_formula_over_the_vectors_of_all_places_and_grows_with_no_batch(rng, shape, by, beta):
    student, teacher = 2 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) + 0.5
    found = feature_distance(student, teacher, by, beta)
    vectors = [x.movedim(1, -1).reshape(-1, shape[1]) for x in (student, teacher)]
    torch.testing.assert_close(found, naive_distance(*vectors, by, beta), rtol=1e-9, atol=0)
    torch.testing.assert_close(feature_distance(torch.cat([student] * 2), torch.cat([teacher] * 2), by, beta), found)


def test_values_by_hand():
    student, teacher = torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([[4.0, 3.0], [1.0, 0.0]])
    assert feature_distance(student, teacher, 'cosine', 1.0).item() == pytest.approx((1 - 24 / 25 + 1) / 2)
    assert feature_distance(torch.tensor([[0.0, 3.0]]), torch.tensor([[1.0, 0.0]]), 'smooth_l1', 2.0).item() == pytest.approx(
        (1 / 4 + 3 - 1) / 2)


@pytest.mark.parametrize('by', BY)
def test_the_gradient_is_that_of_finite_differences_and_none_reaches_the_teacher(rng, by):
    student, teacher = (torch.randn(2, 3, 2, 2, generator=rng, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda x: feature_distance(x, teacher.detach(), by, 0.5), student)
    feature_distance(student, teacher, by, 0.5).backward()
    assert teacher.grad is None


@pytest.mark.parametrize('by', BY)
def test_vectors_of_zeros_have_a_finite_gradient(by):
    student = torch.zeros(2, 3, requires_grad=True)
    feature_distance(student, torch.ones(2, 3), by, 1.0).backward()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize('by', BY)
def test_half_precision_is_compared_in_float32_under_autocast_too(rng, by):
    student, teacher = 100 * torch.randn(2, 4, 8, generator=rng).half()  # whose squares exceed half precision
    expected = naive_distance(student.float(), teacher.float(), by)
    with torch.autocast('cpu', torch.bfloat16):
        found = feature_distance(student, teacher, by, 1.0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(('by', 'beta', 'said'), [
    ('l2', 1.0, "^XLoss needs by of 'cosine' or 'smooth_l1', got 'l2'.$"),
    (None, 1.0, 'got None.$'), (['cosine'], 1.0, r"got \['cosine'\].$"),
    ('smooth_l1', 0.0, '^XLoss needs beta > 0, where smooth L1 turns from a square into a line, got 0.0.$'),
    ('smooth_l1', -1, '^XLoss needs beta to be a finite number >= 0, got -1.$'),
    ('cosine', float('nan'), 'number >= 0, got nan.$'), ('cosine', '1', "number >= 0, got '1'.$")])
def test_an_unknown_distance_and_a_beta_that_is_not_positive_are_refused(by, beta, said):
    with pytest.raises(ValueError, match=said):
        check_distance('XLoss', by, beta)


def test_known_ones_pass():
    for by in BY:
        check_distance('XLoss', by, 0.1)
