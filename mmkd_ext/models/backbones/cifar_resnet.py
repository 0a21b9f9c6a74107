"""ResNets for 32 px: three stages of basic blocks (resnet8 .. 110, resnet8x4, resnet32x4), and ResNet-50 in four."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_whole
from mmkd_ext.registry import MODELS

from .cifar_backbone import KAIMING, CIFARBackbone


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, from a map before its ReLU to a map before its ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        same = stride == 1 and in_channels == out_channels
        self.downsample = None if same else _shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the two paths."""
        x = F.relu(x)
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        return out + (x if self.downsample is None else self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut, from a map before its ReLU to a map before its ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        same = stride == 1 and in_channels == out_channels
        self.shortcut = None if same else _shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the two paths."""
        x = F.relu(x)
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        return out + (x if self.shortcut is None else self.shortcut(x))


def _stage(block: type[nn.Module], in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = block(in_channels, out_channels, stride)
    return nn.Sequential(first, *(block(out_channels, out_channels, 1) for _ in range(blocks - 1)))


@MODELS.register_module()
class CIFARResNet(CIFARBackbone):
    """The CIFAR ResNet of He et al. with projection shortcuts: a stem and three stages.

    Args:
        depth: 6n + 2, with n blocks per stage: 8, 14, 20, 32, 44, 56, 110.
        width: Factor on the stages' 16, 32, 64 channels; the stem has max(16, 8 * width). resnet8x4: depth=8, width=4.
        out_indices: Of 0 (stem), 1..3 (stages), 4 (final map); see `CIFARBackbone`.
        pre_activation: Stages before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation.

    Raises:
        ValueError: Another depth or width.

    Source: He et al. 2016, arXiv:1512.03385, sec. 4.2; widths of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARResNet(depth=8, width=4, out_indices=(1, 2, 3))  # resnet8x4
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 64, 32, 32), (2, 128, 16, 16), (2, 256, 8, 8)]
    """

    def __init__(
        self,
        depth: int,
        width: int = 1,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = KAIMING,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        check_given('CIFARResNet', depth=depth, width=width)
        check_whole('CIFARResNet', None, depth=depth, width=width)
        if depth < 8 or (depth - 2) % 6 or width < 1:
            raise ValueError(
                f'CIFARResNet needs a depth of 6n + 2 (8, 14, 20, ...) and width >= 1, got {depth} and {width}.')
        stem, *widths = max(16, 8 * width), 16 * width, 32 * width, 64 * width
        self.out_channels = (stem, *widths, widths[-1])
        self.conv1 = nn.Conv2d(3, stem, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        blocks = (depth - 2) // 6
        self.layer1 = _stage(BasicBlock, stem, widths[0], blocks, 1)
        self.layer2 = _stage(BasicBlock, widths[0], widths[1], blocks, 2)
        self.layer3 = _stage(BasicBlock, widths[1], widths[2], blocks, 2)

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All stages' maps before their last ReLU."""
        maps = [self.bn1(self.conv1(x))]
        for stage in (self.layer1, self.layer2, self.layer3):
            maps.append(stage(maps[-1]))
        return maps


@MODELS.register_module()
class CIFARResNet50(CIFARBackbone):
    """ResNet-50 with a 3x3 stem of stride 1 and no pooling: a stem and four stages.

    Args:
        out_indices: Of 0 (stem), 1..4 (stages), 5 (final map); see `CIFARBackbone`.
        pre_activation: Stages before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation.

    Source: He et al. 2016, arXiv:1512.03385; the stem of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARResNet50(out_indices=(1, 2, 3, 4))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 256, 32, 32), (2, 512, 16, 16), (2, 1024, 8, 8), (2, 2048, 4, 4)]
    """

    num_stages = 5

    def __init__(
        self,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = KAIMING,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        self.out_channels = (64, 256, 512, 1024, 2048, 2048)
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _stage(Bottleneck, 64, 256, 3, 1)
        self.layer2 = _stage(Bottleneck, 256, 512, 4, 2)
        self.layer3 = _stage(Bottleneck, 512, 1024, 6, 2)
        self.layer4 = _stage(Bottleneck, 1024, 2048, 3, 2)

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All stages' maps before their last ReLU."""
        maps = [self.bn1(self.conv1(x))]
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps.append(stage(maps[-1]))
        return maps
