"""The projection of VkD: orthonormal whatever its weight, and trained."""

import copy

import pytest
import torch
from torch import Tensor

from mmkd_ext.losses.orthogonal_projection import OrthogonalProjection
from mmkd_ext.losses.vkd_loss import vkd_loss


@pytest.mark.parametrize(('narrow', 'wide'), [(3, 5), (4, 4), (5, 3)])
def test_gradients_are_those_of_finite_differences(rng, narrow, wide):
    projection = OrthogonalProjection(narrow, wide).double()
    teacher = torch.randn(3, wide, generator=rng, dtype=torch.float64)
    x = torch.randn(3, narrow, generator=rng, dtype=torch.float64).requires_grad_()
    weight = torch.randn(wide, narrow, generator=rng, dtype=torch.float64).requires_grad_()

    def value(x: Tensor, weight: Tensor) -> Tensor:
        return vkd_loss(torch.func.functional_call(projection, {'weight': weight}, x), teacher)

    torch.autograd.gradcheck(value, (x, weight))


def test_a_copy_and_a_loaded_state_are_the_same_projection(rng):
    x = torch.randn(3, 4, generator=rng)
    projection, other = OrthogonalProjection(4, 6), OrthogonalProjection(4, 6)
    other.load_state_dict(projection.state_dict())
    assert torch.equal(other(x), projection(x)) and torch.equal(copy.deepcopy(projection)(x), projection(x))
    assert list(projection.state_dict()) == ['weight']


@pytest.mark.parametrize(('narrow', 'wide'), [(3, 5), (4, 4), (5, 3), (1, 1)])
def test_columns_or_rows_are_orthonormal_whatever_the_weight(rng, narrow, wide):
    projection = OrthogonalProjection(narrow, wide)
    weight = 100 * torch.randn(wide, narrow, generator=rng)
    projection.weight.data.copy_(weight)
    matrix = projection.matrix()
    assert matrix.shape == (wide, narrow)
    torch.testing.assert_close(matrix @ matrix.T if narrow > wide else matrix.T @ matrix, torch.eye(min(narrow, wide)))
    first = weight[0] if narrow > wide else weight[:, 0]  # QR with a positive diagonal keeps the direction of the first
    torch.testing.assert_close(matrix[0] if narrow > wide else matrix[:, 0], first / first.square().sum().sqrt())


def test_half_precision_is_computed_in_float32_under_autocast_too(rng):
    projection, x = OrthogonalProjection(4, 6), torch.randn(3, 4, generator=rng).bfloat16()
    expected = x.float() @ projection.matrix().T
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.testing.assert_close(projection(x), expected, rtol=0, atol=0)
