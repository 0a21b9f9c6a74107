"""ReviewKD's fusion against the golden numbers, a step-by-step reference, and what must not influence what."""

import pytest
import torch
import torch.nn.functional as F
from support import golden
from torch import Tensor

from mmkd_ext.losses.reviewkd_neck import ReviewKDNeck
from mmkd_ext.registry import MODELS


@pytest.mark.parametrize('case', golden.load('losses')['abf'], ids=lambda case: f'salt={case["salt"]}')
def test_equals_the_golden_numbers(case):
    neck = ReviewKDNeck(case['in_channels'], case['out_channels'], case['mid_channels'])
    assert sum(p.numel() for p in neck.parameters()) == case['params']
    golden.fill_by_shape(neck).double().train()
    sizes = zip(case['in_channels'], case['sizes_finest_first'], strict=True)
    maps = [
        golden.uniform((case['B'], c, h, h), case['salt'] + i).requires_grad_() for i, (c, h) in enumerate(sizes)]
    results = neck(maps)
    objective = sum(r.square().mean() for r in results)
    gradients = torch.autograd.grad(objective, maps)
    assert [list(r.shape) for r in results] == case['out_shapes']
    assert objective.item() == pytest.approx(case['sum_of_mean_squares'], rel=1e-9)
    assert [r.abs().mean().item() for r in results] == pytest.approx(case['out_means'], rel=1e-9)
    for result, first in zip(results, case['out_first_values'], strict=True):
        assert result.flatten()[:4].tolist() == pytest.approx(first, rel=1e-6)
    assert [g.norm().item() for g in gradients] == pytest.approx(case['input_grad_norms'], rel=1e-6)


def drawn(rng: torch.Generator, shapes: tuple[tuple[int, ...], ...]) -> list[Tensor]:
    return [torch.randn(2, *shape, generator=rng, requires_grad=True) for shape in shapes]


SHAPES = ((3, 6, 10), (4, 3, 5), (5, 1, 1))


def test_equals_the_steps_of_the_paper_with_other_sizes_than_its_own(rng):
    torch.manual_seed(0)
    neck = ReviewKDNeck((3, 4, 5), (6, 7, 8), mid_channels=2).eval()
    maps, sizes = drawn(rng, SHAPES), ((12, 20), (4, 4), (1, 1))
    results = neck(maps, sizes)
    deeper = None
    for level in (2, 1, 0):
        part = neck.levels[level]
        x = part.reduce(maps[level])
        if deeper is not None:
            deeper = F.interpolate(deeper, x.shape[-2:])
            weights = torch.sigmoid(part.attention(torch.cat([x, deeper], 1)))
            x = weights[:, :1] * x + weights[:, 1:] * deeper
        deeper = F.interpolate(x, sizes[level])
        torch.testing.assert_close(results[level], part.expand(deeper))


def test_a_level_is_informed_by_all_deeper_ones_and_by_no_shallower_one(rng):
    neck = ReviewKDNeck((3, 4, 5), (6, 7, 8))
    maps = drawn(rng, SHAPES)
    for level, result in enumerate(neck(maps)):
        gradients = torch.autograd.grad(result.square().sum(), maps, allow_unused=True, retain_graph=True)
        assert [g is not None for g in gradients] == [other >= level for other in range(3)]


def test_is_found_by_its_name_and_joins_at_the_deepest_width_up_to_512():
    for deepest, expected in ((64, 64), (2048, 512)):
        config = {'type': 'mmkd_ext.ReviewKDNeck', 'in_channels': (8, deepest), 'out_channels': (4, 4)}
        assert MODELS.build(config).levels[0].reduce[0].out_channels == expected


def test_starts_as_published_and_stays_so_when_a_runner_initialises_the_model():
    torch.manual_seed(0)
    neck = ReviewKDNeck((64, 128), (64, 128))
    weight = neck.levels[0].expand[0].weight
    before = weight.clone()
    bound = (3 / (128 * 9)) ** 0.5  # uniform, of variance 1 / fan_in
    assert 0.98 * bound < weight.abs().max() <= bound
    neck.init_weights()
    torch.testing.assert_close(weight, before, rtol=0, atol=0)


def test_widths_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match=r'in_channels=\[3, 4\] and out_channels=\[5\]'):
        ReviewKDNeck((3, 4), (5,))


def test_maps_of_other_widths_are_refused(rng):
    neck = ReviewKDNeck((3, 4), (5, 6))
    with pytest.raises(ValueError, match=r'widths \(3, 4\).*\(2, 3, 6, 10\)'):
        neck(drawn(rng, ((3, 6, 10), (5, 3, 5))))
    with pytest.raises(ValueError, match='1 sizes'):
        neck(drawn(rng, ((3, 6, 10), (4, 3, 5))), [(6, 10)])
