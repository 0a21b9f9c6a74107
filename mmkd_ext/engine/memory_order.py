"""Images whose channels lie innermost in memory, and the operations that cannot take such maps."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


def usual_order_for_mmcv(model: Any) -> list[RemovableHandle]:
    """Give mmcv's own operations (RoIAlign) maps in the usual order: on a CPU they take every map for one, and would read wrong places.

    Args:
        model: Whose operations these are, and those of its frozen teachers, which are no modules of it.

    Returns:
        What ends it, if it is removed.
    """
    return [each.register_forward_pre_hook(_in_usual_order) for each in _operations_of_mmcv(model)]


def in_order(images: Any, channels_last: bool) -> Any:
    """Images (N, C, H, W) in that order of memory; what has other dimensions, such as a list, as it is."""
    form = torch.channels_last if channels_last else torch.contiguous_format
    return images.contiguous(memory_format=form) if isinstance(images, Tensor) and images.ndim == 4 else images


def _operations_of_mmcv(model: Any) -> Iterator[nn.Module]:
    for network in (model, *(getattr(teacher, 'network', None) for teacher in getattr(model, 'teachers', {}).values())):
        modules = network.modules() if isinstance(network, nn.Module) else ()
        yield from (each for each in modules if type(each).__module__.startswith('mmcv.ops'))


def _in_usual_order(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.contiguous() if isinstance(each, Tensor) else each for each in args)
