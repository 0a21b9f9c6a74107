"""ReviewKD's fusion of maps, from deep to shallow. N samples, L levels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_whole, check_wholes
from mmkd_ext.registry import MODELS

from .adapter import Adapter


class AttentionFusion(nn.Module):
    """One level: its own map joined with what the deeper level left, each place weighted by an attention over the two.

    Args:
        in_channels: Width of this level's map.
        mid_channels: Width in which levels are joined.
        out_channels: Width of the result.
        is_deepest: Whether there is nothing deeper to join.
    """

    def __init__(self, in_channels: int, mid_channels: int, out_channels: int, is_deepest: bool) -> None:
        super().__init__()
        reduce = nn.Conv2d(in_channels, mid_channels, 1, bias=False)
        expand = nn.Conv2d(mid_channels, out_channels, 3, padding=1, bias=False)
        for conv in (reduce, expand):
            nn.init.kaiming_uniform_(conv.weight, a=1)  # as published; torch's default has a = sqrt(5)
        self.reduce = Adapter(reduce, nn.BatchNorm2d(mid_channels))
        self.expand = Adapter(expand, nn.BatchNorm2d(out_channels))
        self.attention = None if is_deepest else nn.Conv2d(2 * mid_channels, 2, 1)

    def forward(self, x: Tensor, deeper: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the level's result and what it leaves to the next shallower level, both at `size`."""
        x = self.reduce(x)
        if self.attention is not None and deeper is not None:
            deeper = _resize(deeper, (x.shape[-2], x.shape[-1]))
            own, other = self.attention(torch.cat([x, deeper], dim=1)).sigmoid().split(1, dim=1)
            x = x * own + deeper * other
        x = _resize(x, size)
        return self.expand(x), x


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x if tuple(x.shape[-2:]) == size else F.interpolate(x, size=size, mode='nearest')


@MODELS.register_module()
class ReviewKDNeck(BaseModule):
    """Student maps in the teacher's shapes, each informed by all deeper ones (ABF).

    A map of one place and one sample, which has no variance, is normalised by the running statistics, which it does not
    change.

    Args:
        in_channels: Widths of the student's L maps, shallow first.
        out_channels: Widths of the teacher's L maps.
        mid_channels: Width in which levels are joined; None: the deepest input's, at most 512.
        init_cfg: For mmengine; the weights are initialised here as published.

    Shapes:
        inputs: L maps (N, C_i, H_i, W_i).
        returns: L maps (N, out_channels[i], H_i, W_i), of the `sizes` asked for.

    Raises:
        ValueError: Other than L maps, widths or sizes.

    Source: Chen et al. 2021, arXiv:2104.09044, sec. 3.3, and its public code.

    Example:
        >>> import torch
        >>> neck = ReviewKDNeck(in_channels=[8, 16], out_channels=[32, 64])
        >>> maps = [torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)]
        >>> [tuple(x.shape) for x in neck(maps)]
        [(2, 32, 8, 8), (2, 64, 4, 4)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        mid_channels: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_given('ReviewKDNeck', in_channels=in_channels, out_channels=out_channels)
        check_whole('ReviewKDNeck', mid_channels=mid_channels)
        check_wholes('ReviewKDNeck', 1, in_channels=in_channels, out_channels=out_channels)
        if len(in_channels) != len(out_channels) or len(in_channels) == 0:
            raise ValueError(
                'ReviewKDNeck needs one output width per input width, at least one, got '
                f'in_channels={list(in_channels)} and out_channels={list(out_channels)}.')
        mid_channels = mid_channels or min(512, in_channels[-1])
        last = len(in_channels) - 1
        self.in_channels = tuple(in_channels)
        self.levels = nn.ModuleList(
            AttentionFusion(width, mid_channels, out, is_deepest=i == last)
            for i, (width, out) in enumerate(zip(in_channels, out_channels, strict=True)))

    def forward(self, inputs: Sequence[Tensor], sizes: Sequence[tuple[int, int]] | None = None) -> tuple[Tensor, ...]:
        """Fuse the maps, shallow first.

        Args:
            inputs: The student's maps.
            sizes: (H, W) of each result, the teacher's; None: each map's own.
        """
        sizes = [(x.shape[-2], x.shape[-1]) for x in inputs] if sizes is None else sizes
        widths = tuple(x.shape[1] for x in inputs)
        if widths != self.in_channels or len(sizes) != len(inputs):
            raise ValueError(
                f'ReviewKDNeck needs maps of widths {self.in_channels} and as many sizes, got '
                f'{[tuple(x.shape) for x in inputs]} and {len(sizes)} sizes.')
        results: list[Tensor] = []
        deeper: Tensor | None = None
        for level, x, size in zip(reversed(self.levels), reversed(inputs), reversed(sizes), strict=True):
            result, deeper = level(x, deeper, tuple(size))
            results.append(result)
        return tuple(reversed(results))
