"""EmbeddingLoss against its formula, both distances."""

import pytest
import torch
from torch import Tensor
from witnesses.naive_distance import naive_distance

from mmkd_ext.losses.embedding_loss import EmbeddingLoss, embedding_loss
from mmkd_ext.models.outputs.outputs import Outputs


def outputs(embedding: Tensor) -> Outputs:
    return Outputs((), embedding, torch.zeros(len(embedding), 0))


@pytest.mark.parametrize(('by', 'beta'), [('cosine', 1.0), ('smooth_l1', 1.0), ('smooth_l1', 0.3)])
@pytest.mark.parametrize('shape', [(5, 7), (1, 2)])
def test_equals_the_formula(rng, shape, by, beta):
    student, teacher = 2 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) + 0.5
    torch.testing.assert_close(embedding_loss(student, teacher, by, beta), naive_distance(student, teacher, by, beta), rtol=1e-9, atol=0)


@pytest.mark.parametrize('by', ['cosine', 'smooth_l1'])
@pytest.mark.parametrize('wide', [4, 6])
def test_the_module_is_the_formula_behind_a_linear_layer_where_widths_differ(rng, by, wide):
    student = torch.randn(3, 4, generator=rng, dtype=torch.float64).requires_grad_()
    teacher = torch.randn(3, wide, generator=rng, dtype=torch.float64).requires_grad_()
    loss = EmbeddingLoss(by, loss_weight=2.5)
    says = 'none' if wide == 4 else 'linear (4, 6)'
    assert loss.build_for(outputs(student), outputs(teacher)) == [('embedding', '4', str(wide), says)]
    loss.double()
    assert len(list(loss.parameters())) == (0 if wide == 4 else 2)
    mine = student if wide == 4 else student @ loss.adapter.weight.T + loss.adapter.bias
    value = loss(outputs(student), outputs(teacher))
    torch.testing.assert_close(value, 2.5 * naive_distance(mine.detach(), teacher.detach(), by), rtol=1e-9, atol=0)
    value.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def test_cosine_is_blind_to_lengths_and_takes_zeros_as_at_right_angles(rng):
    student, teacher = torch.randn(2, 3, 5, generator=rng, dtype=torch.float64)
    expected = embedding_loss(student, teacher)
    torch.testing.assert_close(embedding_loss(1e30 * student, 1e-30 * teacher), expected, rtol=1e-9, atol=0)
    assert embedding_loss(torch.zeros(3, 5), teacher.float()).item() == 1
    assert embedding_loss(teacher, teacher).item() == pytest.approx(0, abs=1e-15)
    assert embedding_loss(-teacher, teacher).item() == pytest.approx(2)


@pytest.mark.parametrize('options', [dict(by='l2'), dict(by=None), dict(by=['cosine']), dict(beta=0.0)])
def test_an_unknown_distance_is_refused(options):
    with pytest.raises(ValueError, match='EmbeddingLoss needs (by of|beta)'):
        EmbeddingLoss(**options)


def test_without_build_for_is_one_sentence():
    with pytest.raises(RuntimeError, match='EmbeddingLoss needs its adapter before the first step'):
        EmbeddingLoss()(outputs(torch.zeros(2, 3)), outputs(torch.zeros(2, 3)))
