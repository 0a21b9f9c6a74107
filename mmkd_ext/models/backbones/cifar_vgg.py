"""VGG for 32 px with BatchNorm: VGG-8, 11, 13, 16, 19."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_whole
from mmkd_ext.registry import MODELS

from .cifar_backbone import KAIMING, CIFARBackbone

_WIDTHS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = {8: (1, 1, 1, 1, 1), 11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def _block(in_channels: int, out_channels: int, convolutions: int) -> nn.Sequential:
    """Conv, BatchNorm, ReLU, ..., without the last ReLU."""
    layers: list[nn.Module] = []
    for i in range(convolutions):
        layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1)]
        layers += [nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


@MODELS.register_module()
class CIFARVGG(CIFARBackbone):
    """VGG with BatchNorm and one linear classifier: five blocks, read before they are pooled.

    Blocks 0 to 2 are followed by a 2x2 max-pool; block 3 too, where images have 64 px and more.

    Args:
        depth: 8, 11, 13, 16 or 19.
        out_indices: Of 0..4 (blocks), 5 (final map); see `CIFARBackbone`.
        pre_activation: Blocks before their ReLU; see `CIFARBackbone`.
        init_cfg: Initialisation.

    Raises:
        ValueError: Another depth.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556; VGG-8 and the poolings of the shared CIFAR zoo.

    Example:
        >>> import torch
        >>> backbone = CIFARVGG(depth=8, out_indices=(2, 3, 5))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 256, 8, 8), (2, 512, 4, 4), (2, 512, 4, 4)]
    """

    num_stages = 5

    def __init__(
        self,
        depth: int,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = KAIMING,
    ) -> None:
        super().__init__(out_indices, pre_activation, init_cfg)
        check_whole('CIFARVGG', None, depth=depth)
        if depth not in _CONVOLUTIONS:
            raise ValueError(f'CIFARVGG needs a depth of {", ".join(map(str, _CONVOLUTIONS))}, got {depth}.')
        self.out_channels = (*_WIDTHS, _WIDTHS[-1])
        inputs = (3, *_WIDTHS[:-1])
        for i, (width, out, convolutions) in enumerate(zip(inputs, _WIDTHS, _CONVOLUTIONS[depth], strict=True)):
            self.add_module(f'block{i}', _block(width, out, convolutions))

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All blocks' maps before their last ReLU."""
        pooled = 4 if x.shape[-1] >= 64 else 3
        maps: list[Tensor] = []
        for i in range(self.num_stages):
            if maps:
                x = F.relu(maps[-1])
            if 0 < i <= pooled:
                x = F.max_pool2d(x, 2)
            maps.append(getattr(self, f'block{i}')(x))
        return maps
