"""ShuffleNetV1 for 32 px, with three groups."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.utils import channel_shuffle
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_whole, check_wholes
from mmkd_ext.registry import MODELS

from .cifar_backbone import CIFARBackbone

_STEM = 24


class ShuffleUnit(nn.Module):
    """Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1, from a map before its ReLU to a map before its ReLU.

    Added to its input or, with stride 2, concatenated to its average.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, groups: int) -> None:
        super().__init__()
        self.stride = stride
        own = out_channels - in_channels if stride == 2 else out_channels  # the rest is the input, pooled
        width = own // 4
        self.groups = 1 if in_channels == _STEM else groups  # too few channels there to be grouped
        self.conv1 = nn.Conv2d(in_channels, width, 1, groups=self.groups, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, own, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(own)

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined paths."""
        x = F.relu(x)
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = channel_shuffle(out, self.groups)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        if self.stride == 2:
            return torch.cat([out, F.avg_pool2d(x, 3, 2, 1)], dim=1)
        return out + x


@MODELS.register_module()
class CIFARShuffleNetV1(CIFARBackbone):
    """ShuffleNetV1 with a 1x1 stem of stride 1: a stem and three stages.

    Args:
        widths: Channels of the three stages.
        blocks: Units per stage.
        groups: Groups of the 1x1 convolutions.
        out_indices: Of 0 (stem), 1..3 (stages), 4 (final map); see `CIFARBackbone`.
        pre_activation: Stages before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation; None, as in the field: torch's own.

    Raises:
        ValueError: Widths or blocks of another number, or widths that cannot be grouped.

    Source: Zhang et al. 2018, arXiv:1707.01083; the stem of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARShuffleNetV1(out_indices=(1, 2, 3))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 240, 16, 16), (2, 480, 8, 8), (2, 960, 4, 4)]
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (240, 480, 960),
        blocks: tuple[int, int, int] = (4, 8, 4),
        groups: int = 3,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        check_given('CIFARShuffleNetV1', widths=widths, blocks=blocks, groups=groups)
        check_wholes('CIFARShuffleNetV1', 1, widths=widths, blocks=blocks)
        check_whole('CIFARShuffleNetV1', groups=groups)
        joined = [out - width for width, out in pairwise((_STEM, *widths))]  # what a unit adds to its pooled input
        if len(widths) != 3 or len(blocks) != 3 or any(x < 4 or x % groups or x // 4 % groups for x in (*joined, *widths)):
            raise ValueError(
                f'CIFARShuffleNetV1 needs three widths that grow from {_STEM}, by numbers of which a quarter can be split into {groups} '
                f'groups, and three numbers of blocks, got widths={tuple(widths)} and blocks={tuple(blocks)}.')
        self.out_channels = (_STEM, *widths, widths[-1])
        self.conv1 = nn.Conv2d(3, _STEM, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM)
        inputs = (_STEM, *widths[:-1])
        for i, (width, out, number) in enumerate(zip(inputs, widths, blocks, strict=True), start=1):
            rest = (ShuffleUnit(out, out, 1, groups) for _ in range(number - 1))
            self.add_module(f'layer{i}', nn.Sequential(ShuffleUnit(width, out, 2, groups), *rest))

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All stages' maps before their last ReLU."""
        maps = [self.bn1(self.conv1(x))]
        for i in range(1, self.num_stages):
            maps.append(getattr(self, f'layer{i}')(maps[-1]))
        return maps
