"""MGD against its formula; masks, what generates, and that a resumed run draws the same."""

import pytest
import torch
from support.maps import outputs
from torch import Tensor
from witnesses.naive_maps import naive_mgd

from mmkd_ext.losses.mgd_loss import MGDLoss, masked, mgd_loss


def naive_conv(x: list, weight: list, bias: list) -> list:
    """A 3x3 convolution with zeros around the map, of one sample [C][H][W]."""
    height, width = len(x[0]), len(x[0][0])
    return [
        [
            [
                bias[d] + sum(
                    weight[d][c][dy][dx] * x[c][i + dy - 1][j + dx - 1]
                    for c in range(len(x)) for dy in range(3) for dx in range(3)
                    if 0 <= i + dy - 1 < height and 0 <= j + dx - 1 < width)
                for j in range(width)]
            for i in range(height)]
        for d in range(len(weight))]


def naive_generated(x: Tensor, kept: Tensor, convs: list) -> Tensor:
    results = []
    for sample, mask in zip(x.tolist(), kept.tolist(), strict=True):
        y = [[[v * m for v, m in zip(*rows, strict=True)] for rows in zip(c, mask, strict=True)] for c in sample]
        first, second = [(conv.weight.tolist(), conv.bias.tolist()) for conv in convs]
        y = [[[max(v, 0.0) for v in row] for row in c] for c in naive_conv(y, *first)]
        results.append(naive_conv(y, *second))
    return torch.tensor(results, dtype=x.dtype)


@pytest.mark.parametrize('shape', [(2, 3, 4, 5), (1, 1, 1, 1)])
def test_equals_the_formula(rng, shape):
    student, teacher = torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    expected = naive_mgd(student, teacher)
    torch.testing.assert_close(mgd_loss(student, teacher), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(mgd_loss([student, teacher], [teacher, student]), 2 * expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(mgd_loss(teacher + 2, teacher).item(), 4.0 * teacher[0].numel())


@pytest.mark.parametrize('ratio', [0.0, 0.3, 0.9])
def test_the_module_is_the_formula_of_what_its_convolutions_generate_from_masked_maps(rng, ratio):
    torch.manual_seed(0)
    student, teacher = outputs(rng, (3, 4, 4)), outputs(rng, (3, 4, 4))
    loss = MGDLoss(mask_ratio=ratio, loss_weight=0.5)
    assert loss.build_for(student, teacher) == [('stage 0 -> 0', '3x4x4', '3x4x4', f'mask {ratio}, conv 3x3, 3x3 (3)')]
    loss.double()
    torch.manual_seed(7)
    value = loss(student, teacher)
    torch.manual_seed(7)
    kept = (torch.rand(2, 1, 4, 4) >= ratio).double()[:, 0]
    generated = naive_generated(student.stages[0].detach(), kept, [loss.generators[0][0], loss.generators[0][2]])
    torch.testing.assert_close(value, 0.5 * naive_mgd(generated, teacher.stages[0].detach()), rtol=1e-9, atol=0)
    value.backward()
    assert student.stages[0].grad.masked_select(kept[:, None] == 0).count_nonzero() == 0
    assert all(p.grad.abs().sum() > 0 for p in loss.parameters())


def test_masks_hide_places_of_all_channels_at_the_asked_rate_and_follow_torchs_generator():
    x = torch.ones(50, 3, 20, 20)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, second = masked(x, 0.65), masked(x, 0.65)
    assert not torch.equal(first, second) and first.unique().tolist() == [0.0, 1.0]
    assert torch.equal(first[:, 0], first[:, 1]) and torch.equal(first[:, 0], first[:, 2])
    assert first.mean().item() == pytest.approx(0.35, abs=0.01)  # 20,000 places: three deviations
    torch.set_rng_state(state)  # as a resumed run does
    assert torch.equal(masked(x, 0.65), first)
    assert torch.equal(masked(x, 0.0), x)


@pytest.mark.parametrize('ratio', [1, 1.5, -0.1, 'half', None, True, float('nan')])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match='MGDLoss needs mask_ratio to be a finite number >= 0 and < 1, got'):
        MGDLoss(mask_ratio=ratio)
