"""A look in eval mode leaves modules in the mode that each had."""

import pytest
from torch import nn

from mmkd_ext.models.outputs.eval_mode import in_eval_mode


@pytest.mark.parametrize('training', [True, False])
def test_a_look_in_eval_mode_leaves_the_modes_as_they_were(training):
    module, other = nn.Sequential(nn.BatchNorm2d(2)).train(training), nn.BatchNorm2d(2).train(not training)
    with pytest.raises(KeyError), in_eval_mode(module, other):
        assert not module.training and not module[0].training and not other.training
        raise KeyError
    assert module.training is module[0].training is training and other.training is not training
