"""MobileNetV2 for 32 px, at half width."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_numbers, check_whole
from mmkd_ext.registry import MODELS

from .cifar_backbone import KAIMING, CIFARBackbone

# (channels at full width, blocks, stride of the first block), the seven groups of the paper's table 2
_GROUPS = ((16, 1, 1), (24, 2, 1), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
_STAGE_ENDS = (1, 2, 4, 6)  # groups whose maps are the stages 1..4


class InvertedResidual(nn.Module):
    """Widen, convolve each channel on its own, narrow; no ReLU after the narrow end."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = in_channels * expansion
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the narrow map."""
        return x + self.conv(x) if self.is_residual else self.conv(x)


@MODELS.register_module()
class CIFARMobileNetV2(CIFARBackbone):
    """MobileNetV2: a stem of stride 2, four stages without a ReLU at their end, and a 1x1 convolution to 1280.

    Args:
        width: Factor on the channels; 0.5 in the literature on KD.
        expansion: Factor inside a block; 6 in the literature on KD. The first block expands by 1.
        out_indices: Of 0 (stem), 1..4 (stages), 5 (final map, 1280 channels); see `CIFARBackbone`.
        pre_activation: The stem before its ReLU, the other stages as they are; see `CIFARBackbone`.
        init_cfg: Initialisation.

    Source: Sandler et al. 2018, arXiv:1801.04381; strides of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARMobileNetV2(out_indices=(3, 4, 5))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 48, 4, 4), (2, 160, 2, 2), (2, 1280, 2, 2)]
    """

    num_stages = 5

    def __init__(
        self,
        width: float = 0.5,
        expansion: int = 6,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = KAIMING,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        check_numbers('CIFARMobileNetV2', 1 / 16, width=width)  # of 16 channels one is left
        check_given('CIFARMobileNetV2', expansion=expansion)
        check_whole('CIFARMobileNetV2', expansion=expansion)
        channels = stem = int(32 * width)
        self.conv1 = nn.Sequential(nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem))
        self.blocks = nn.ModuleList()
        widths = []
        for i, (full, blocks, stride) in enumerate(_GROUPS):
            out = int(full * width)
            first = InvertedResidual(channels, out, stride, 1 if i == 0 else expansion)
            rest = (InvertedResidual(out, out, 1, expansion) for _ in range(blocks - 1))
            self.blocks.append(nn.Sequential(first, *rest))
            channels = out
            widths.append(out)
        final = max(1280, int(1280 * width))
        self.conv2 = nn.Sequential(nn.Conv2d(channels, final, 1, bias=False), nn.BatchNorm2d(final))
        self.out_channels = (stem, *(widths[i] for i in _STAGE_ENDS), final)

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """The stem before its ReLU and the four stages."""
        stem = self.conv1(x)
        maps = [stem]
        x = F.relu(stem)
        for i, group in enumerate(self.blocks):
            x = group(x)
            if i in _STAGE_ENDS:
                maps.append(x)
        return maps

    def activate(self, stage_map: Tensor, index: int) -> Tensor:
        """Return the stem after its ReLU; a stage ends without one."""
        return F.relu(stage_map) if index == 0 else stage_map

    def final_map(self, last: Tensor) -> Tensor:
        """Return the 1x1 convolution that the classifier pools."""
        return F.relu(self.conv2(last), inplace=True)
