"""Fixtures that every test may use."""

import pytest
import torch


@pytest.fixture
def rng() -> torch.Generator:
    """A local generator, so that no test depends on the order of tests."""
    return torch.Generator().manual_seed(0)
