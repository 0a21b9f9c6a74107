"""Wide ResNets for 32 px: WRN-16-1, 16-2, 40-1, 40-2."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_whole
from mmkd_ext.registry import MODELS

from .cifar_backbone import KAIMING, CIFARBackbone


class WideBlock(nn.Module):
    """BatchNorm and ReLU before each of two 3x3 convolutions, beside a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        same = in_channels == out_channels
        self.convShortcut = None if same else nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor, normed: Tensor | None = None) -> Tensor:
        """Return the sum of the two paths; `normed` is bn1(x) where the caller has it."""
        active = F.relu(self.bn1(x) if normed is None else normed)
        out = F.relu(self.bn2(self.conv1(active)), inplace=True)
        return self.conv2(out) + (x if self.convShortcut is None else self.convShortcut(active))


class WideStage(nn.Module):
    """Blocks of one size, the first of which may change it."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int, stride: int) -> None:
        super().__init__()
        rest = (WideBlock(out_channels, out_channels, 1) for _ in range(blocks - 1))
        self.layer = nn.ModuleList([WideBlock(in_channels, out_channels, stride), *rest])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x after the first block's BatchNorm, and the last block's sum."""
        first, *rest = self.layer
        normed = first.get_submodule('bn1')(x)
        x = first(x, normed)
        for block in rest:
            x = block(x)
        return normed, x


@MODELS.register_module()
class CIFARWideResNet(CIFARBackbone):
    """Wide ResNet: a stem and three stages, normalised before they are convolved.

    A stage's map is read after the BatchNorm that follows it, which belongs to the next stage (the last one has its
    own): this is where the published code reads the teacher's maps before the ReLU. It runs once, whoever reads it.

    Args:
        depth: 6n + 4, with n blocks per stage: 16, 40.
        width: Factor on the stages' 16, 32, 64 channels.
        out_indices: Of 0 (stem), 1..3 (stages), 4 (final map); see `CIFARBackbone`.
        pre_activation: Stages before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation.

    Raises:
        ValueError: Another depth or width.

    Source: Zagoruyko and Komodakis 2016, arXiv:1605.07146.

    Example:
        >>> import torch
        >>> backbone = CIFARWideResNet(depth=16, width=2, out_indices=(1, 2, 3))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 32, 32, 32), (2, 64, 16, 16), (2, 128, 8, 8)]
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
        check_given('CIFARWideResNet', depth=depth, width=width)
        check_whole('CIFARWideResNet', None, depth=depth, width=width)
        if depth < 10 or (depth - 4) % 6 or width < 1:
            raise ValueError(
                f'CIFARWideResNet needs a depth of 6n + 4 (16, 40, ...) and width >= 1, got {depth} and {width}.')
        widths = (16 * width, 32 * width, 64 * width)
        self.out_channels = (16, *widths, widths[-1])
        blocks = (depth - 4) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = WideStage(16, widths[0], blocks, 1)
        self.block2 = WideStage(widths[0], widths[1], blocks, 2)
        self.block3 = WideStage(widths[1], widths[2], blocks, 2)
        self.bn1 = nn.BatchNorm2d(widths[2])

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All stages' maps, normalised, before their ReLU."""
        x = self.conv1(x)
        maps = []
        for stage in (self.block1, self.block2, self.block3):
            normed, x = stage(x)
            maps.append(normed)
        return [*maps, self.bn1(x)]
