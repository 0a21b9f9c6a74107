"""Adapter: the layers of a loss that project a student to its teacher's width; its BatchNorm takes a batch of one. N samples, C channels.

A last batch of one image leaves one value per channel behind a global pooling, where torch's BatchNorm raises. A student without such a
layer trains on that batch alone, and so it has to with a loss beside it.
"""

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Adapter(nn.Sequential):
    """Layers in a row, as `nn.Sequential`; a BatchNorm among them takes one value per channel, see `normalise`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last layer gives."""
        for layer in self:
            x = normalise(layer, x)
        return x


def normalise(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer's output for a batch; one value per channel is normalised by `fixed_statistics`, which stay as they are.

    Larger batches, layers in eval mode and all but BatchNorms are left to the layer. So is SyncBN in several processes, which counts all
    their values.

    Args:
        layer: A BatchNorm or any other.
        x: (N, C, ...).
    """
    if not isinstance(layer, _BatchNorm) or not layer.training or x.numel() != x.shape[1]:
        return layer(x)
    if isinstance(layer, nn.SyncBatchNorm) and get_world_size() > 1:
        return layer(x)
    return F.batch_norm(x, *fixed_statistics(layer, x), layer.weight, layer.bias, False, 0.0, layer.eps)


def fixed_statistics(norm: _BatchNorm, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) for one value per channel, which has no variance: the running ones; 0 and 1 where there are none.

    Args:
        norm: The BatchNorm.
        x: What it normalises.
    """
    if norm.running_mean is not None and norm.running_var is not None:
        # Copies: the running ones may change in a next pass before the gradient of this one.
        return norm.running_mean.clone(), norm.running_var.clone()
    kind = torch.promote_types(x.dtype, torch.float32)
    return x.new_zeros(norm.num_features, dtype=kind), x.new_ones(norm.num_features, dtype=kind)
