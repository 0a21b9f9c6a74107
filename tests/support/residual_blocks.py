"""Residual blocks by hand: weights and statistics to try them with, normalisation and shortcut by their formulas."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def fill(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """Weights of a moderate size and statistics that are not the identity, in float64 and eval mode."""
    for name, parameter in module.named_parameters():
        fan = max(parameter[0].numel(), 1) if parameter.ndim > 1 else 25
        centre = 1.0 if parameter.ndim == 1 and name.endswith('weight') else 0.0
        parameter.copy_(centre + torch.randn(parameter.shape, generator=rng) / fan**0.5)
    for norm in (m for m in module.modules() if isinstance(m, _BatchNorm)):
        norm.running_mean.copy_(torch.randn(norm.running_mean.shape, generator=rng))
        norm.running_var.copy_(0.5 + torch.rand(norm.running_var.shape, generator=rng))
    return module.double().eval()


def norm(x: Tensor, bn: nn.Module) -> Tensor:
    """Of one channel at a time, by the formula."""
    shape = (1, -1, 1, 1)
    centred = (x - bn.running_mean.view(shape)) / (bn.running_var.view(shape) + bn.eps).sqrt()
    return bn.weight.view(shape) * centred + bn.bias.view(shape)


def shortcut(block: nn.Module, x: Tensor, stride: int) -> Tensor:
    if block.downsample is None:
        return x
    conv, bn = block.downsample
    return norm(F.conv2d(x, conv.weight, stride=stride), bn)
