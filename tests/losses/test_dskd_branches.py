"""DSKD's branches and regressors: strides, widths and values by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmkd_ext.losses.dskd_branches import MapRegressor, PredictionBranch, shape_of


@pytest.mark.parametrize(('stages', 'strides', 'widths'), [
    (((2, 32, 32), (5, 8, 8)), (2, 2), (5, 5)),  # stages left out
    (((2, 7, 7), (5, 4, 4), (6, 2, 2)), (2, 2), (5, 6)),  # odd sizes
    (((2, 4, 4), (5, 4, 4)), (1,), (5,)),
    (((2, 9, 3), (5, 2, 3)), (2, 2, 2), (5, 5, 5)),
])  # fmt: skip
def test_a_branch_of_other_sizes(stages, strides, widths):
    branch = PredictionBranch(stages, 4, dict(type='BN'))
    assert branch.strides == strides
    assert tuple(x.out_channels for x in branch if isinstance(x, nn.Conv2d)) == widths
    assert branch(torch.ones(2, *stages[0])).shape == (2, 4)


def test_a_branch_says_its_strides_and_its_width():
    branch = PredictionBranch(((2, 32, 32), (5, 16, 16), (6, 8, 8)), 4, dict(type='BN'))
    assert branch.describe() == '2 conv 3x3 (stride 2, 2), Linear(6)' and branch.width == 6


def test_a_regressor_is_two_normalised_convolutions_of_twice_the_width_and_one_to_the_teacher_s(rng):
    regressor = MapRegressor(3, 4, dict(type='BN')).double()
    x = torch.randn(2, 3, 5, 6, generator=rng, dtype=torch.float64)
    first, middle, last = (p for p in regressor.parameters() if p.ndim == 4)
    assert [tuple(p.shape) for p in (first, middle, last)] == [(8, 3, 1, 1), (8, 8, 3, 3), (4, 8, 1, 1)]

    def normalised(y):
        deviation = (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
        return deviation.clamp(min=0)

    hidden = normalised(F.conv2d(normalised(F.conv2d(x, first)), middle, padding=1))
    torch.testing.assert_close(regressor(x), F.conv2d(hidden, last))


def test_a_map_s_shape_is_without_its_samples():
    assert shape_of(torch.zeros(7, 2, 3, 4)) == (2, 3, 4)
