"""Which modules freeze a part of themselves by an option."""

import pytest
from torch import nn

from mmkd_ext.doctor.parameter_rows import _freezes


@pytest.mark.parametrize(('stages', 'freezes'), [(-1, False), (0, True), (4, True), (None, False)])
def test_frozen_stages(stages, freezes):
    module = nn.Linear(1, 1)
    module.frozen_stages = stages
    assert _freezes(module) is freezes
