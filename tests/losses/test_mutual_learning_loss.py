"""Mutual learning against plain Python, KD between pairs, and its limits. S students, N samples, K classes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from support.operations import Operations
from torch import Tensor
from witnesses import naive_mutual

from mmkd_ext.losses import MutualLearningLoss, kd_loss, mutual_learning_loss
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.registry import MODELS

HALVES = pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
EXACT = dict(rtol=1e-9, atol=1e-9)


def draw(rng: torch.Generator, *shape: int, scale: float = 2.0) -> Tensor:
    return scale * torch.randn(*shape, generator=rng, dtype=torch.float64)


def outputs(logits: Tensor) -> list[Outputs]:
    """What S students say; they share nothing but the shape of their logits."""
    return [Outputs((), of.new_zeros(len(of), 3 + i), of) for i, of in enumerate(logits)]


@pytest.mark.parametrize('tau', [0.5, 1.0, 4.0])
@pytest.mark.parametrize('shape', [(2, 5, 7), (3, 5, 7), (4, 1, 2), (2, 3, 1)], ids=str)
def test_each_student_pays_what_plain_python_says(rng, shape, tau):
    logits = draw(rng, *shape)
    students = logits.tolist()
    expected = [naive_mutual.peer_term(students, k, tau) for k in range(len(students))]
    value = mutual_learning_loss(logits, tau)
    torch.testing.assert_close(value, torch.tensor(expected, dtype=torch.float64), **EXACT)
    assert shape[2] == 1 or value.min() > 0.01


@pytest.mark.parametrize('tau', [1.0, 3.0])
@pytest.mark.parametrize('count', [2, 3])
def test_each_student_s_gradient_is_that_of_its_own_term_in_plain_python(rng, count, tau):
    logits = draw(rng, count, 3, 4).requires_grad_()
    students = logits.tolist()

    def term(k, table):
        return naive_mutual.peer_term([*students[:k], table, *students[k + 1 :]], k, tau)

    expected = [naive_mutual.gradient(lambda table, k=k: term(k, table), students[k]) for k in range(count)]
    (found,) = torch.autograd.grad(mutual_learning_loss(logits, tau).sum(), logits)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), **EXACT)


@pytest.mark.parametrize('count', [2, 3])
def test_no_gradient_reaches_the_peers(rng, count):
    logits = draw(rng, count, 3, 4).requires_grad_()
    for k, term in enumerate(mutual_learning_loss(logits)):
        (found,) = torch.autograd.grad(term, logits, retain_graph=True)
        assert [bool(own.any()) for own in found] == [j == k for j in range(count)]


@pytest.mark.parametrize('count', [2, 3])
def test_gradient_is_that_of_finite_differences_in_the_student_s_own_logits(rng, count):
    logits = draw(rng, count, 3, 4)
    for k in range(count):

        def term(own: Tensor, k: int = k) -> Tensor:
            return mutual_learning_loss(torch.stack([*logits[:k], own, *logits[k + 1 :]]), 2.0)[k]

        torch.autograd.gradcheck(term, logits[k].clone().requires_grad_())


def test_students_that_agree_pay_nothing(rng):
    logits = draw(rng, 1, 4, 6).repeat(3, 1, 1)
    shifted = logits + draw(rng, 3, 4, 1)  # a constant on all of a sample's logits is no prediction
    for same in (logits, shifted):
        same.requires_grad_()
        value = mutual_learning_loss(same, 2.0)
        torch.testing.assert_close(value, torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
        (slope,) = torch.autograd.grad(value.sum(), same)
        torch.testing.assert_close(slope, torch.zeros_like(slope), rtol=0, atol=1e-12)


def test_two_students_at_the_temperature_it_starts_with_are_deep_mutual_learning(rng):
    one, two = draw(rng, 2, 5, 7)
    expected = [
        F.kl_div(F.log_softmax(own, 1), F.softmax(peer, 1), reduction='batchmean') for own, peer in ((one, two), (two, one))]
    for value in (mutual_learning_loss(torch.stack([one, two])), MutualLearningLoss()(outputs(torch.stack([one, two])))):
        torch.testing.assert_close(value, torch.stack(expected), **EXACT)
    assert abs(expected[0] - expected[1]) > 0.01  # the direction of the divergence shows


@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_it_is_the_mean_of_kd_from_each_peer(rng, tau):
    logits = draw(rng, 4, 5, 7)
    expected = [torch.stack([kd_loss(own, logits[j], tau) for j in range(4) if j != k]).mean() for k, own in enumerate(logits)]
    torch.testing.assert_close(mutual_learning_loss(logits, tau), torch.stack(expected), **EXACT)


def test_the_order_of_students_samples_and_classes_does_not_matter(rng):
    logits = draw(rng, 3, 5, 7)
    value = mutual_learning_loss(logits, 2.0)
    torch.testing.assert_close(mutual_learning_loss(logits[[2, 0, 1]], 2.0), value[[2, 0, 1]])
    torch.testing.assert_close(mutual_learning_loss(logits.flip(1), 2.0), value)
    torch.testing.assert_close(mutual_learning_loss(logits.flip(2), 2.0), value)


def test_a_repeated_batch_does_not_change_it(rng):
    logits = draw(rng, 3, 5, 7)
    torch.testing.assert_close(mutual_learning_loss(torch.cat([logits, logits], dim=1)), mutual_learning_loss(logits))


@HALVES
def test_half_precision_is_computed_in_float32(rng, dtype):
    logits = draw(rng, 3, 5, 7).to(dtype)
    value = mutual_learning_loss(logits, 4.0)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), mutual_learning_loss(logits.double(), 4.0), rtol=2e-5, atol=1e-5)


def test_autocast_changes_nothing(rng):
    logits = draw(rng, 3, 5, 7).float()
    expected = mutual_learning_loss(logits, 4.0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = mutual_learning_loss(logits, 4.0)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=0, atol=0)


@HALVES
@pytest.mark.parametrize('size', [6e4, 'end', 0.0])
@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_value_and_gradient_are_finite_at_the_ends_of_half_precision(rng, dtype, size, tau):
    size = torch.finfo(dtype).max if size == 'end' else size
    logits = (draw(rng, 3, 5, 7).sign() * size).to(dtype)
    mixed = logits.clone()
    mixed[1] = draw(rng, 5, 7).to(dtype)  # one student that is still sensible
    for extreme in (logits.requires_grad_(), mixed.requires_grad_()):
        value = mutual_learning_loss(extreme, tau)
        (slope,) = torch.autograd.grad(value.sum(), extreme)
        assert value.isfinite().all() and slope.isfinite().all()
        # Students with nothing but zeros agree, but for float32's rounding.
        assert value.dtype == torch.float32 and (value > 1e-4).any() == bool(extreme.any())


def test_nan_is_not_hidden(rng):
    logits = draw(rng, 3, 5, 7)
    logits[1, 2, 3] = float('nan')
    assert mutual_learning_loss(logits).isnan().all()  # each student has it as its own or as a peer's


class Softmaxes(Operations):
    """Counts them apart from the rest."""

    softmaxes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.softmaxes += func in (torch.ops.aten._softmax.default, torch.ops.aten._log_softmax.default)
        return super().__torch_dispatch__(func, types, args, kwargs)


def operations(logits: Tensor) -> tuple[int, int]:
    """How many a value and its gradient take: softmaxes, and all."""
    with Softmaxes() as counted:
        mutual_learning_loss(logits.requires_grad_(), 2.0).sum().backward()
    return counted.softmaxes, counted.count


def test_a_student_has_one_softmax_for_all_its_peers_and_samples_are_not_looped_over(rng):
    two, four, six = (operations(draw(rng, count, 5, 7)) for count in (2, 4, 6))
    assert two[0] == four[0] == six[0] > 0
    assert six[1] - four[1] == four[1] - two[1]  # in step with the students, not with their pairs
    assert operations(draw(rng, 2, 40, 7)) == two


@pytest.mark.parametrize('shape', [(5, 7), (1, 5, 7), (0, 5, 7), (2, 0, 7), (2, 5, 0), (2, 5, 7, 1)], ids=str)
def test_logits_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError) as error:
        mutual_learning_loss(torch.zeros(shape))
    assert str(shape) in str(error.value) and '(S, N, K)' in str(error.value)


@pytest.mark.parametrize('tau', [0.0, -1.0, float('nan')])
def test_a_temperature_that_is_not_positive_is_refused(rng, tau):
    with pytest.raises(ValueError, match='tau > 0'):
        mutual_learning_loss(draw(rng, 2, 5, 7), tau)
    with pytest.raises(ValueError, match='tau > 0'):
        MutualLearningLoss(tau=tau)


@pytest.mark.parametrize('weight', [0.0, 1.0, 2.5])
def test_module_is_the_function_of_the_students_logits_times_a_weight(rng, weight):
    logits = draw(rng, 3, 5, 7)
    module = MODELS.build(dict(type='mmkd_ext.MutualLearningLoss', tau=4.0, loss_weight=weight))
    value = module(outputs(logits))
    assert value.shape == (3,)
    torch.testing.assert_close(value, weight * mutual_learning_loss(logits, 4.0), **EXACT)
    assert not list(module.parameters()) and not module.state_dict()


def test_gradient_reaches_each_student_through_the_module(rng):
    leaves = [logits.clone().requires_grad_() for logits in draw(rng, 3, 5, 7)]
    students = [Outputs((), logits.detach(), logits) for logits in leaves]
    slopes = torch.autograd.grad(MutualLearningLoss(loss_weight=2.0)(students).sum(), leaves)
    together = torch.stack(leaves).detach().requires_grad_()
    (expected,) = torch.autograd.grad(2 * mutual_learning_loss(together).sum(), together)
    torch.testing.assert_close(torch.stack(slopes), expected, **EXACT)


@pytest.mark.parametrize('other', [(5, 6), (4, 7), (5, 7, 1)], ids=str)
def test_students_whose_logits_differ_in_shape_are_refused_and_both_are_named(rng, other):
    students = [Outputs((), torch.zeros(5, 3), draw(rng, *shape)) for shape in ((5, 7), other)]
    with pytest.raises(ValueError) as error:
        MutualLearningLoss()(students)
    assert '(5, 7)' in str(error.value) and str(other) in str(error.value)


def test_one_student_has_no_peers(rng):
    with pytest.raises(ValueError, match=r'\(S, N, K\).*\(1, 5, 7\)'):
        MutualLearningLoss()(outputs(draw(rng, 1, 5, 7)))
