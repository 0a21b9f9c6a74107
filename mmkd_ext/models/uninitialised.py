"""Weights that lie in memory as they are until a training's `init_weights`."""

from typing import TypeVar

import torch
from torch import nn
from torch.nn.parameter import is_lazy

_Network = TypeVar('_Network', bound=nn.Module)
_LARGEST = 1e6  # no weight is so large


@torch.no_grad()
def made_finite(network: _Network) -> _Network:
    """Weights that are none become 0: mmdet's DETRs and mmcv's convolutions allocate some that only `init_weights` fills.

    Whoever runs a network before that, such as a distiller that sizes its adapters, would meet NaN on some days and not on others.

    Args:
        network: Changed in place.

    Returns:
        It itself.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> layer.weight.data[0, 0] = float('nan')
        >>> made_finite(layer).weight[0, 0].item()
        0.0
    """
    for each in network.parameters():
        if not is_lazy(each):
            each[~(each.abs() < _LARGEST)] = 0
    return network
