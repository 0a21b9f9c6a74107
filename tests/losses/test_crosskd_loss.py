"""CrossKD against its formula and its limits."""

import pytest
import torch
from torch import nn
from witnesses.naive_crosskd import naive_crosskd

from mmkd_ext.losses.crosskd_loss import CrossKDLoss, crosskd_loss
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.tower import Tower


@pytest.mark.parametrize('beta', [0.0, 1.0, 2.0])
def test_equals_the_formula(rng, beta):
    shapes = (2, 3, 4, 5), (2, 3, 2, 1)
    crossed, teacher = ([2 * torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes] for _ in range(2))
    found = crosskd_loss(crossed, teacher, beta)
    assert float(found) == pytest.approx(naive_crosskd(crossed, teacher, beta), rel=1e-9)
    twice = ([torch.cat([x, x]) for x in each] for each in (crossed, teacher))
    torch.testing.assert_close(crosskd_loss(*twice, beta), found)  # a mean, in a sense


def test_what_is_right_costs_nothing_and_nothing_reaches_the_teacher(rng):
    teacher = torch.randn(1, 2, 3, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    crossed = teacher.detach().clone().requires_grad_()
    loss = crosskd_loss(crossed, teacher)
    loss.backward()
    assert float(loss.detach()) == 0 and teacher.grad is None
    for size in (6e4, -6e4):
        assert crosskd_loss(torch.full((1, 1, 1, 1), size).half(), torch.full((1, 1, 1, 1), -size).half()).isfinite()


def test_the_module_takes_the_student_s_feature_through_the_teacher_s_end(rng):
    end = nn.Conv2d(4, 6, 1).double().requires_grad_(False)
    features = [torch.randn(2, width, 3, 3, generator=rng, dtype=torch.float64, requires_grad=True) for width in (3, 4)]
    scores = torch.randn(2, 6, 3, 3, generator=rng, dtype=torch.float64)
    said = [Outputs((), torch.zeros(0), torch.zeros(0), tower=Tower((x,), (scores,), (end,))) for x in features]
    loss = CrossKDLoss(loss_weight=3.0)
    assert loss.build_for(*said) == [('tower', '3', '4', 'conv 1x1 (3, 4)')]
    loss.double()
    value = loss(*said)
    torch.testing.assert_close(value, 3 * crosskd_loss(end(loss.adapter(features[0])), scores))
    value.backward()
    assert features[0].grad.abs().sum() > 0 and features[1].grad is None and loss.adapter.weight.grad.abs().sum() > 0
    other = said[1]._replace(tower=Tower((features[1],), (scores[:, :4],), (end,)))
    with pytest.raises(ValueError, match='got 6 of the student and 4 of the teacher .anchors times classes.'):
        loss.build_for(said[0], other)
