"""HCL against its formula and the golden numbers; the pairing of stages."""

from typing import Any

import pytest
import torch
from support import golden
from torch import Tensor

from mmkd_ext.losses.reviewkd_loss import ReviewKDLoss, hcl_loss
from mmkd_ext.losses.reviewkd_neck import ReviewKDNeck
from mmkd_ext.models.outputs.outputs import Outputs


def naive_hcl(student: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Square maps, place by place."""
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        size, level, weights, weight = s.shape[-1], 0.0, 0.0, 1.0
        for pooled in (size, *(p for p in (4, 2, 1) if p < size)):
            # torch's windows: from floor(i H / p) up to ceil((i + 1) H / p)
            windows = [range(i * size // pooled, -(-(i + 1) * size // pooled)) for i in range(pooled)]
            squares = []
            for a, b in zip(s.flatten(0, 1).tolist(), t.flatten(0, 1).tolist(), strict=True):
                for rows in windows:
                    for columns in windows:
                        window = [a[y][x] - b[y][x] for y in rows for x in columns]
                        squares.append((sum(window) / len(window)) ** 2)
            level += weight * sum(squares) / len(squares)
            weights += weight
            weight /= 2
        total += level / weights
    return torch.tensor(total, dtype=student[0].dtype)


@pytest.mark.parametrize('size', [8, 5, 4, 3, 2, 1])
def test_equals_the_formula(rng, size):
    student, teacher = ([torch.randn(2, 3, size, size, generator=rng, dtype=torch.float64)] for _ in range(2))
    torch.testing.assert_close(hcl_loss(student, teacher), naive_hcl(student, teacher))


@pytest.mark.parametrize('case', golden.load('losses')['hcl'], ids=lambda case: f'salt={case["salt"]}')
def test_equals_the_golden_numbers(case):
    maps = [
        [golden.uniform((case['B'], c, h, h), case['salt'] + offset + i) for i, (c, h) in enumerate(case['shapes'])]
        for offset in (0, 50)
    ]
    student = [m.requires_grad_() for m in maps[0]]
    loss = hcl_loss(student, maps[1])
    loss.backward()
    assert loss.item() == pytest.approx(case['hcl'], rel=1e-9)
    assert [s.grad.norm().item() for s in student] == pytest.approx(case['grad_norms'], rel=1e-9)


def test_levels_are_summed_and_a_constant_difference_counts_its_square_once(rng):
    teacher = [torch.randn(2, 3, h, w, generator=rng, dtype=torch.float64) for h, w in ((9, 13), (4, 4), (1, 1))]
    student = [t + step for t, step in zip(teacher, (0.5, 2.0, 3.0), strict=True)]
    assert hcl_loss(student, teacher).item() == pytest.approx(0.25 + 4 + 9)


def test_a_map_of_one_place_is_a_squared_error(rng):
    student, teacher = torch.randn(2, 4, 7, 1, 1, generator=rng)
    torch.testing.assert_close(hcl_loss([student], [teacher]), torch.nn.functional.mse_loss(student, teacher))


@pytest.mark.parametrize(('s', 't'), [(2, 1), (0, 0)])
def test_needs_as_many_maps_of_both(s, t):
    maps = [torch.ones(2, 3, 4, 4)] * 2
    with pytest.raises(ValueError, match=f'got {s} and {t}'):
        hcl_loss(maps[:s], maps[:t])


def test_a_level_that_does_not_fit_is_named(rng):
    student = [torch.ones(2, 3, 4, 4), torch.ones(2, 3, 4, 4)]
    with pytest.raises(ValueError, match=r'at level 1 \(2, 3, 4, 4\) and \(2, 5, 4, 4\)'):
        hcl_loss(student, [torch.ones(2, 3, 4, 4), torch.ones(2, 5, 4, 4)])


def outputs(rng: torch.Generator, shapes: tuple[tuple[int, ...], ...], width: int) -> Outputs:
    stages = tuple(torch.randn(3, *shape, generator=rng, requires_grad=True) for shape in shapes)
    return Outputs(stages, torch.randn(3, width, generator=rng, requires_grad=True), torch.randn(3, 4, generator=rng))


def student_and_teacher(rng: torch.Generator) -> tuple[Outputs, Outputs]:
    return (
        outputs(rng, ((2, 8, 8), (3, 8, 8), (5, 4, 4)), 6),
        outputs(rng, ((4, 16, 16), (6, 16, 16), (7, 8, 8)), 9),
    )


def test_fuses_the_student_s_maps_into_the_teacher_s_shapes(rng):
    torch.manual_seed(0)
    student, teacher = student_and_teacher(rng)
    loss = ReviewKDLoss(3.0)
    assert loss.build_for(student, teacher) == [
        ('stage 0', '2x8x8', '4x16x16', 'ReviewKDNeck'),
        ('stage 1', '3x8x8', '6x16x16', 'ReviewKDNeck'),
        ('stage 2', '5x4x4', '7x8x8', 'ReviewKDNeck'),
        ('embedding', '6x1x1', '9x1x1', 'ReviewKDNeck'),
    ]
    value = loss(student, teacher)
    assert isinstance(loss.fusion, ReviewKDNeck)
    maps = [*student.stages, student.embedding[..., None, None]]
    fused = loss.fusion(maps, [(16, 16), (16, 16), (8, 8), (1, 1)])
    expected = 3 * hcl_loss(fused, [*teacher.stages, teacher.embedding[..., None, None]])
    torch.testing.assert_close(value, expected)
    value.backward()
    assert all(x.grad.abs().sum() > 0 for x in (*student.stages, student.embedding, *loss.fusion.parameters()))
    assert all(x.grad is None for x in (*teacher.stages, teacher.embedding))


def test_stages_can_be_chosen_and_the_embedding_left_out(rng):
    student, teacher = student_and_teacher(rng)
    loss = ReviewKDLoss(student_stages=(1, 2), teacher_stages=(0, -1), with_embedding=False)
    assert loss.build_for(student, teacher) == [
        ('stage 1', '3x8x8', '4x16x16', 'ReviewKDNeck'),
        ('stage 2', '5x4x4', '7x8x8', 'ReviewKDNeck'),
    ]
    assert loss(student, teacher).shape == ()


def test_explicit_widths_build_at_once_and_are_checked(rng):
    student, teacher = student_and_teacher(rng)
    widths: dict[str, Any] = {'student_channels': (2, 3, 5, 6), 'teacher_channels': (4, 6, 7, 9)}
    loss = ReviewKDLoss(**widths, fusion={'type': 'mmkd_ext.ReviewKDNeck', 'mid_channels': 8})
    built = loss.fusion
    loss.build_for(student, teacher)
    assert loss.fusion is built and built.levels[0].reduce[0].out_channels == 8
    with pytest.raises(ValueError, match=r'the levels are 4x16x16, .* and 2x8x8'):
        loss.build_for(teacher, student)
    with pytest.raises(ValueError, match='or neither'):
        ReviewKDLoss(student_channels=(2, 3))


def test_stages_that_cannot_be_paired_are_shown(rng):
    student, teacher = student_and_teacher(rng)
    loss = ReviewKDLoss(teacher_stages=(0, 1))
    with pytest.raises(ValueError, match=r'got 4 \(2x8x8, 3x8x8, 5x4x4, 6x1x1\) and 3 \(4x16x16, 6x16x16, 9x1x1\)'):
        loss.build_for(student, teacher)


def test_a_stage_that_is_not_there_is_named_with_those_that_are(rng):
    student, teacher = student_and_teacher(rng)
    with pytest.raises(ValueError, match=r'stages \[0, 5\] of the student, which has 3: \[\(2, 8, 8\)'):
        ReviewKDLoss(student_stages=(0, 5)).build_for(student, teacher)


def test_stages_that_are_no_maps_are_refused(rng):
    student, teacher = student_and_teacher(rng)
    tokens = Outputs((torch.ones(3, 16, 8),), student.embedding, student.logits)
    with pytest.raises(ValueError, match=r'stages of the student, got \(3, 16, 8\)'):
        ReviewKDLoss().build_for(tokens, teacher)


def test_without_a_fusion_it_says_how_to_build_one(rng):
    with pytest.raises(RuntimeError, match='build_for'):
        ReviewKDLoss()(*student_and_teacher(rng))
