"""Losses between maps: pairs of stages, widths and sizes, and what is refused."""

import pytest
import torch
from support.maps import outputs
from torch import nn

from mmkd_ext.losses.map_pairs import MapPairsLoss
from mmkd_ext.registry import MODELS

KINDS = ['PKDLoss', 'CWDLoss', 'MGDLoss']


class Squares(MapPairsLoss):
    def compare(self, student, teacher):
        return sum((s - t).square().mean() for s, t in zip(student, teacher, strict=True))


@pytest.mark.parametrize(('student', 'teacher', 'pairs'), [
    ([8, 4, 2], [8, 4, 2], [(0, 0), (1, 1), (2, 2)]),
    ([8, 4, 2], [4, 2], [(1, 0), (2, 1)]),
    ([4, 2], [16, 8, 4, 2, 1], [(0, 2), (1, 3)]),
    ([8, 4, 2], [4, 2, 1], [(1, 0), (2, 1)]),
    ([8, 8, 4], [8, 4, 4], [(1, 0), (2, 2)]),  # the deepest of a size
    ([2, 1, 1], [2, 1, 1], [(0, 0), (1, 1), (2, 2)]),
    ([7, 5], [14, 10], [(0, 0), (1, 1)]),  # nothing in common: in order
])
def test_stages_are_paired_by_their_size(rng, student, teacher, pairs):
    loss = Squares()
    loss.build_for(outputs(rng, *((3, size, size) for size in student)), outputs(rng, *((3, size, size) for size in teacher)))
    assert loss.pairs == pairs


def test_stages_that_are_named_are_paired_in_order(rng):
    student, teacher = outputs(rng, (3, 8, 8), (3, 4, 4)), outputs(rng, (3, 8, 8), (3, 4, 4), (3, 2, 2))
    loss = Squares(student_stages=[0, -1], teacher_stages=[1, 2])
    assert [row[:3] for row in loss.build_for(student, teacher)] == [('stage 0 -> 1', '3x8x8', '3x4x4'), ('stage 1 -> 2', '3x4x4', '3x2x2')]
    assert loss.pairs == [(0, 1), (1, 2)]


def test_a_map_is_adapted_in_width_where_that_differs_and_resized_to_the_teachers_size(rng):
    torch.manual_seed(0)
    student, teacher = outputs(rng, (3, 8, 6), (4, 4, 3)), outputs(rng, (5, 8, 6), (4, 2, 2))
    loss = Squares(loss_weight=0.5, student_stages=[0, 1])
    rows = loss.build_for(student, teacher)
    assert [row[3] for row in rows] == ['conv 1x1 (3, 5)', 'bilinear']
    loss.double()
    assert [tuple(p.shape) for p in loss.parameters()] == [(5, 3, 1, 1), (5,)]
    weight, bias = loss.adapters[0].weight[:, :, 0, 0], loss.adapters[0].bias
    widened = torch.einsum('dc,nchw->ndhw', weight, student.stages[0]) + bias[:, None, None]
    small = nn.functional.interpolate(student.stages[1], size=(2, 2), mode='bilinear', align_corners=False)
    expected = 0.5 * ((widened - teacher.stages[0]).square().mean() + (small - teacher.stages[1]).square().mean())
    value = loss(student, teacher)
    torch.testing.assert_close(value, expected)
    value.backward()
    assert all(x.grad.abs().sum() > 0 for x in (*student.stages, *loss.parameters()))
    assert all(x.grad is None for x in teacher.stages)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(('student', 'teacher', 'options', 'said'), [
    ([(3, 7, 7)], [(3, 4, 4), (3, 2, 2)], {}, r'needs stages of one size.* got 3x7x7 of the student and 3x4x4, 3x2x2 of the teacher'),
    ([(3, 8, 8)], [(3, 8, 8), (3, 4, 4)], dict(student_stages=[0]), 'Choose them with student_stages and teacher_stages'),
    ([(3, 8, 8)], [(3, 8, 8)], dict(teacher_stages=[1]), r'as stages \[1\] of the teacher, which has \[\(2, 3, 8, 8\)\]'),
    ([(3,)], [(3, 8, 8)], {}, r'needs maps \(N, C, H, W\) as stages \[0\] of the student, which has \[\(2, 3\)\]'),
    ([], [(3, 8, 8)], {}, r'as stages \[\] of the student'),
])
def test_stages_that_cannot_be_paired_are_one_sentence(rng, kind, student, teacher, options, said):
    loss = MODELS.build(dict(type=f'mmkd_ext.{kind}', **options))
    with pytest.raises(ValueError, match=said) as error:
        loss.build_for(outputs(rng, *student), outputs(rng, *teacher))
    assert kind in str(error.value)


@pytest.mark.parametrize('kind', KINDS)
def test_without_build_for_is_one_sentence(rng, kind):
    with pytest.raises(RuntimeError, match=f'{kind} needs its pairs before the first step'):
        MODELS.build(dict(type=f'mmkd_ext.{kind}'))(outputs(rng, (3, 4, 4)), outputs(rng, (3, 4, 4)))


@pytest.mark.parametrize('kind', KINDS)
def test_what_is_trained_beside_the_student_has_a_gradient_of_finite_differences(rng, kind):
    torch.manual_seed(0)
    student, teacher = outputs(rng, (2, 4, 4), (2, 3, 3)), outputs(rng, (3, 3, 3))
    loss = MODELS.build(dict(type=f'mmkd_ext.{kind}', loss_weight=1.0))
    loss.build_for(student, teacher)
    loss.double()

    def value(*maps):
        torch.manual_seed(1)  # of masks
        return loss(student._replace(stages=maps), teacher)

    torch.autograd.gradcheck(value, student.stages)
    value(*student.stages).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in loss.parameters()) and len(list(loss.parameters())) >= 2
    assert teacher.stages[0].grad is None
