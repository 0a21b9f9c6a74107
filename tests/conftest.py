"""Fixtures that every test may use."""

import pytest
import torch

# The tests' tensors are small: on two threads they wait for each other more than they compute.
torch.set_num_threads(1)


@pytest.fixture
def rng() -> torch.Generator:
    """A local generator, so that no test depends on the order of tests."""
    return torch.Generator().manual_seed(0)
