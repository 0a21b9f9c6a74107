"""Random state of Python, numpy and torch together."""

import random

import numpy as np
import pytest
import torch

from mmkd_ext.engine.random_state import random_state_kept, seed_everything


def test_all_three_sources_are_seeded():
    drawn = []
    for key in ((1, 0), (1, 0), (0, 1)):
        seed_everything(*key)
        drawn.append((random.random(), np.random.rand(), torch.rand(()).item()))
    assert drawn[0] == drawn[1]
    assert not set(drawn[0]) & set(drawn[2])


@pytest.mark.parametrize('fails', [False, True])
def test_what_is_drawn_or_seeded_inside_changes_nothing_outside(fails):
    def draw():
        return random.random(), np.random.rand(), torch.rand(()).item()

    seed_everything(5)
    expected = [draw(), draw()]
    seed_everything(5)
    found = [draw()]
    try:
        with random_state_kept():
            draw(), seed_everything(9)
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert [*found, draw()] == expected
