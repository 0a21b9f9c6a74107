"""ShuffleNetV2 for 32 px."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.utils import channel_shuffle
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_wholes
from mmkd_ext.registry import MODELS

from .cifar_backbone import CIFARBackbone

_STEM = 24


class SplitUnit(nn.Module):
    """Half of the channels convolved, half kept, shuffled; from a map before its ReLU to a map before its ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Conv2d(half, half, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, 1, 1, groups=half, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)

    def forward(self, x: Tensor) -> Tensor:
        """Return both halves; the ReLU that follows does nothing to the one that has had its own."""
        kept, out = F.relu(x).chunk(2, dim=1)
        out = F.relu(self.bn1(self.conv1(out)), inplace=True)
        out = self.bn3(self.conv3(self.bn2(self.conv2(out))))
        return channel_shuffle(torch.cat([kept, out], dim=1), 2)


class DownUnit(nn.Module):
    """Two paths of stride 2 side by side, shuffled; from a map before its ReLU to a map before its ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, 2, 1, groups=in_channels, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv2 = nn.Conv2d(in_channels, half, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(in_channels, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = nn.Conv2d(half, half, 3, 2, 1, groups=half, bias=False)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = nn.Conv2d(half, half, 1, bias=False)
        self.bn5 = nn.BatchNorm2d(half)

    def forward(self, x: Tensor) -> Tensor:
        """Return both paths."""
        x = F.relu(x)
        left = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        right = F.relu(self.bn3(self.conv3(x)), inplace=True)
        right = self.bn5(self.conv5(self.bn4(self.conv4(right))))
        return channel_shuffle(torch.cat([left, right], dim=1), 2)


@MODELS.register_module()
class CIFARShuffleNetV2(CIFARBackbone):
    """ShuffleNetV2 with a 1x1 stem of stride 1: a stem, three stages and a 1x1 convolution.

    Before their ReLU, the stages have the shuffled order of channels that they have after it (the published code reads
    them unshuffled there, in an order of its own).

    Args:
        widths: Channels of the three stages and of the final map. Half, 1.5 and double size: (48, 96, 192, 1024),
            (176, 352, 704, 1024), (224, 488, 976, 2048).
        blocks: Units per stage after the one that halves the size.
        out_indices: Of 0 (stem), 1..3 (stages), 4 (final map); see `CIFARBackbone`.
        pre_activation: Stages before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation; None, as in the field: torch's own.

    Raises:
        ValueError: Widths or blocks of another number, or odd widths.

    Source: Ma et al. 2018, arXiv:1807.11164; the stem of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARShuffleNetV2(out_indices=(2, 3, 4))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 232, 8, 8), (2, 464, 4, 4), (2, 1024, 4, 4)]
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (116, 232, 464, 1024),
        blocks: tuple[int, int, int] = (3, 7, 3),
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        check_given('CIFARShuffleNetV2', widths=widths, blocks=blocks)
        check_wholes('CIFARShuffleNetV2', 1, widths=widths, blocks=blocks)
        if len(widths) != 4 or len(blocks) != 3 or any(width % 2 for width in widths[:3]):
            raise ValueError(
                'CIFARShuffleNetV2 needs four widths, even but for the last, and three numbers of blocks, got '
                f'widths={tuple(widths)} and blocks={tuple(blocks)}.')
        self.out_channels = (_STEM, *widths)
        self.conv1 = nn.Conv2d(3, _STEM, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM)
        inputs = (_STEM, *widths[:2])
        for i, (width, out, number) in enumerate(zip(inputs, widths[:3], blocks, strict=True), start=1):
            rest = (SplitUnit(out) for _ in range(number))
            self.add_module(f'layer{i}', nn.Sequential(DownUnit(width, out), *rest))
        self.conv2 = nn.Conv2d(widths[2], widths[3], 1, bias=False)
        self.bn2 = nn.BatchNorm2d(widths[3])

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All stages' maps before their last ReLU."""
        maps = [self.bn1(self.conv1(x))]
        for i in range(1, self.num_stages):
            maps.append(getattr(self, f'layer{i}')(maps[-1]))
        return maps

    def final_map(self, last: Tensor) -> Tensor:
        """Return the 1x1 convolution that the classifier pools."""
        return F.relu(self.bn2(self.conv2(F.relu(last))), inplace=True)
