"""SE-ResNet behind the CIFAR stem: one block by hand."""

import pytest
import torch
import torch.nn.functional as F
from support.residual_blocks import fill, norm, shortcut
from torch import Tensor, nn

from mmkd_ext.models.backbones import SEResNet_CIFAR


def excited(x: Tensor, se: nn.Module) -> Tensor:
    """Every channel times a number between 0 and 1 that depends on all channels' means."""
    means = x.mean(dim=(2, 3))
    (w1, b1), (w2, b2) = ((conv.conv.weight.flatten(1), conv.conv.bias) for conv in (se.conv1, se.conv2))
    hidden = (means @ w1.t() + b1).clamp(min=0)
    return x * (1 / (1 + (-(hidden @ w2.t() + b2)).exp()))[:, :, None, None]


@pytest.mark.parametrize(('index', 'stride'), [(0, 2), (1, 1)], ids=['projection', 'identity'])
@pytest.mark.parametrize('depth', [18, 50])
def test_an_se_block_excites_its_branch_before_the_addition(rng, depth, index, stride):
    block = fill(SEResNet_CIFAR(depth=depth, base_channels=16, stem_channels=16).layer2[index], rng)
    x = torch.randn(2, block.in_channels, 6, 6, generator=rng, dtype=torch.float64).relu()
    if depth == 18:
        out = norm(F.conv2d(x, block.conv1.weight, stride=stride, padding=1), block.norm1).relu()
        out = norm(F.conv2d(out, block.conv2.weight, padding=1), block.norm2)
    else:
        out = norm(F.conv2d(x, block.conv1.weight), block.norm1).relu()
        out = norm(F.conv2d(out, block.conv2.weight, stride=stride, padding=1), block.norm2).relu()
        out = norm(F.conv2d(out, block.conv3.weight), block.norm3)
    expected = (excited(out, block.se_layer) + shortcut(block, x, stride)).relu()
    torch.testing.assert_close(block(x), expected)
    assert not torch.allclose(expected, (out + shortcut(block, x, stride)).relu())  # the excitation matters
