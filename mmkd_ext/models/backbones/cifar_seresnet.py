"""SE-ResNet for 32 px images."""

import torch.nn.functional as F
from mmpretrain.models.backbones import ResNet_CIFAR
from mmpretrain.models.backbones.resnet import BasicBlock
from mmpretrain.models.backbones.seresnet import SEBottleneck
from mmpretrain.models.utils import SELayer
from torch import Tensor

from mmkd_ext.registry import MODELS


class SEBasicBlock(BasicBlock):
    """A basic block with squeeze-and-excitation before the addition."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        self.se_layer = SELayer(out_channels, ratio=16)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the block's output."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(self.drop_path(self.se_layer(out)) + identity)


@MODELS.register_module()
class SEResNet_CIFAR(ResNet_CIFAR):  # noqa: N801 (named as mmpretrain names its sibling)
    """SE-ResNet with the CIFAR stem (3x3, stride 1, no pooling); reduction 16, to 8 channels or more as in mmpretrain's SE-ResNet.

    Args:
        depth: 18, 34 (basic blocks), 50, 101 or 152 (bottlenecks).
        **kwargs: As mmpretrain's `ResNet_CIFAR`.

    Source: Hu et al. 2018, arXiv:1709.01507. TESKD's released variant differs in details that change no shape
    (biases in convolutions, ReLU before the excitation).

    Example:
        >>> import torch
        >>> backbone = SEResNet_CIFAR(depth=18, out_indices=(2, 3))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 256, 8, 8), (2, 512, 4, 4)]
    """

    arch_settings = {
        18: (SEBasicBlock, (2, 2, 2, 2)),
        34: (SEBasicBlock, (3, 4, 6, 3)),
        50: (SEBottleneck, (3, 4, 6, 3)),
        101: (SEBottleneck, (3, 4, 23, 3)),
        152: (SEBottleneck, (3, 8, 36, 3)),
    }
