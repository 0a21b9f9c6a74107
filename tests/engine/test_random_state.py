"""Random state of Python, numpy and torch together."""

import random

import numpy as np
import torch

from mmkd_ext.engine.random_state import seed_everything


def test_all_three_sources_are_seeded():
    drawn = []
    for key in ((1, 0), (1, 0), (0, 1)):
        seed_everything(*key)
        drawn.append((random.random(), np.random.rand(), torch.rand(()).item()))
    assert drawn[0] == drawn[1]
    assert not set(drawn[0]) & set(drawn[2])
