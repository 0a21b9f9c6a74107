"""Durations in words; what an optimizer keeps."""

import pytest
import torch

from mmkd_ext.doctor.cost_rows import _states, duration


@pytest.mark.parametrize(('seconds', 'words'), [(4.25, '4.2 s'), (42.0, '42 s'), (600.0, '10 min'), (36000.0, '10.0 h')])
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_what_an_optimizer_keeps_for_each_parameter():
    weights = [torch.nn.Parameter(torch.zeros(1))]
    optimizers = torch.optim.SGD(weights, 0.1), torch.optim.SGD(weights, 0.1, 0.9), torch.optim.AdamW(weights)
    assert [_states(each) for each in optimizers] == [0, 1, 2]
