"""Random state of Python, numpy and torch together."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_everything(*key: int) -> None:
    """Seed Python, numpy and torch from a tuple of non-negative integers; different tuples give unrelated streams."""
    words = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.manual_seed(int(words[2]))


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Whatever is drawn or seeded inside, what is drawn afterwards is as if it had not been."""
    state, numpy_state = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
