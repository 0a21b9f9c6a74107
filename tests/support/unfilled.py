"""Networks whose weights are left as they lie in memory, for tests that count or name them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import Tensor


def _left(weights: Tensor, *_: object, **__: object) -> Tensor:
    return weights


@contextmanager
def unfilled() -> Iterator[None]:
    """Random numbers take most of the time in which a layer is built; torch's meta device does not build all of mmpretrain's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ('kaiming_uniform_', 'kaiming_normal_', 'xavier_uniform_', 'uniform_', 'normal_', 'trunc_normal_'):
            patch.setattr(f'torch.nn.init.{name}', _left)
        yield
