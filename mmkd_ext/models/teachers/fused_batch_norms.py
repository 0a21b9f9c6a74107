"""BatchNorms taken into the convolutions before them, which makes a frozen network faster."""

import copy
from typing import Any

import torch
from mmcv.cnn import fuse_conv_bn
from torch import Tensor, nn

from mmkd_ext.models.images.image_shape import channels_of
from mmkd_ext.models.outputs.feature_maps import tensors_in


@torch.no_grad()
def without_batch_norms(network: nn.Module, side: int = 64, tolerance: float = 1e-3) -> nn.Module:
    """The same network in eval mode with its BatchNorms taken into the convolutions before them, where that changes nothing.

    mmengine's `fuse_conv_bn` goes by the order in which modules were made; a network that is called in another order, or whose
    norms do more than normalise, is given back as it is.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return network
    images = torch.randn(1, channels_of({}, network), side, side, generator=torch.Generator().manual_seed(0))
    try:
        fused = fuse_conv_bn(copy.deepcopy(network)).requires_grad_(False).eval()
        with torch.autocast('cpu', enabled=False):
            difference = (_first(fused(images)) - (wanted := _first(network(images)))).abs().max()
        return fused if difference <= tolerance * wanted.abs().max() else network
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError):  # another size, another number of channels
        return network


def _first(out: Any) -> Tensor:
    return next(tensors_in(out)).float()
