"""A look at a part of a network that is training."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_eval_mode(*modules: nn.Module) -> Iterator[None]:
    """Modules in eval mode, so that a look changes no statistics; afterwards each is in its own mode again.

    Example:
        >>> norm = nn.BatchNorm2d(2)
        >>> with in_eval_mode(norm):
        ...     print(norm.training)
        False
        >>> norm.training
        True
    """
    modes = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.train(mode)
