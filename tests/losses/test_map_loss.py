"""MapLoss against its formula, both distances, and behind its convolution and interpolation."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from witnesses.naive_distance import naive_distance

from mmkd_ext.losses.map_loss import MapLoss, map_loss
from mmkd_ext.models.outputs.outputs import Outputs


def rows(x: Tensor) -> Tensor:
    """A vector for each place of each sample."""
    return torch.stack([x[n, :, i, j] for n in range(x.shape[0]) for i in range(x.shape[2]) for j in range(x.shape[3])])


def outputs(x: Tensor) -> Outputs:
    return Outputs((x,), x.mean(dim=(2, 3)), torch.zeros(len(x), 0))


@pytest.mark.parametrize(('by', 'beta'), [('cosine', 1.0), ('smooth_l1', 1.0), ('smooth_l1', 0.3)])
@pytest.mark.parametrize('shape', [(2, 3, 4, 5), (1, 2, 1, 1)])
def test_equals_the_formula_and_levels_are_summed(rng, shape, by, beta):
    student, teacher = 2 * torch.randn(2, *shape, generator=rng, dtype=torch.float64) + 0.5
    found = map_loss(student, teacher, by, beta)
    torch.testing.assert_close(found, naive_distance(rows(student), rows(teacher), by, beta), rtol=1e-9, atol=0)
    torch.testing.assert_close(map_loss([student, teacher], [teacher, student], by, beta), 2 * found, rtol=1e-9, atol=0)


@pytest.mark.parametrize('by', ['cosine', 'smooth_l1'])
def test_the_module_projects_and_resizes_the_student(rng, by):
    student = torch.randn(2, 3, 2, 2, generator=rng, dtype=torch.float64).requires_grad_()
    teacher = torch.randn(2, 5, 4, 4, generator=rng, dtype=torch.float64).requires_grad_()
    loss = MapLoss(by, loss_weight=2.5)
    assert loss.build_for(outputs(student), outputs(teacher)) == [('stage 0 -> 0', '3x2x2', '5x4x4', 'conv 1x1 (3, 5), bilinear')]
    loss.double()
    (conv,) = loss.adapters
    projected = torch.einsum('nchw,dc->ndhw', student.detach(), conv.weight[:, :, 0, 0].detach()) + conv.bias.detach()[:, None, None]
    mine = F.interpolate(projected, (4, 4), mode='bilinear', align_corners=False)
    value = loss(outputs(student), outputs(teacher))
    torch.testing.assert_close(value, 2.5 * naive_distance(rows(mine), rows(teacher.detach()), by), rtol=1e-9, atol=0)
    value.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def test_an_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="MapLoss needs by of 'cosine' or 'smooth_l1', got 'l2'"):
        MapLoss('l2')
