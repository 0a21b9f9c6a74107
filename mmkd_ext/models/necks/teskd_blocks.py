"""Block-wise operations on feature maps for TESKD's CPU step, forward and backward. N samples, C channels.

Maps are (N, H, W, C), contiguous; vectors (C,) are float32 or better, whatever the maps' type.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK_BYTES = 4 << 20  # of one map; a handful of them share the cache
PRODUCT_ROWS = 1024  # of a matrix that is multiplied


def blocks(x: Tensor, size: Sequence[int]) -> Iterator[slice]:
    """Samples, as many as fit into a block when x has this size."""
    samples = max(BLOCK_BYTES // (size[0] * size[1] * x.shape[3] * x.element_size()), 1)
    for start in range(0, len(x), samples):
        yield slice(start, start + samples)


def cells_of(x: Tensor, kernel: Tensor) -> Tensor:
    """View of a map as (N, H // h, h, W // w, w, C), without what is left over on the right and below."""
    (height, width), (h, w) = x.shape[1:3], kernel.shape[1:3]
    return x[:, : height // h * h, : width // w * w].unflatten(2, (-1, w)).unflatten(1, (-1, h))


def patch_blocks(cells: Tensor) -> Iterator[tuple[slice, int, slice]]:
    """Samples, the row of the kernel and columns of it: matrices that are tall enough to multiply fast and fit into a block."""
    _, h, rows, w, width, channels = cells.shape
    samples = max(PRODUCT_ROWS // (h * w), 1)
    columns = min(max(BLOCK_BYTES // (min(samples, len(cells)) * h * w * channels * cells.element_size()), 1), width)
    for start in range(0, len(cells), samples):
        for row in range(rows):
            for column in range(0, width, columns):
                yield slice(start, start + samples), row, slice(column, column + columns)


def accurate(x: Tensor) -> torch.dtype:
    """The type of vectors that go with a map."""
    return torch.promote_types(x.dtype, torch.float32)


def _channels_last(x: Tensor) -> Tensor:
    """A map (N, H, W, C), or rows (R, C), as PyTorch's operators want it: (N, C, H, W) or (1, C, R, 1) in channels-last layout."""
    return (x if x.ndim == 4 else x[None, :, None]).permute(0, 3, 1, 2)


def moments(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Mean, biased variance and number of values per channel."""
    mean, var = torch.batch_norm_update_stats(_channels_last(x), None, None, 0.0)
    return mean, var, x[..., 0].numel()


def merge(parts: Sequence[tuple[Tensor, Tensor, int]]) -> tuple[Tensor, Tensor]:
    """Mean and variance of all from those of the blocks."""
    means, variances = (torch.stack(t).double() for t in list(zip(*parts, strict=True))[:2])
    share = torch.tensor([count for *_, count in parts], dtype=torch.float64)
    share /= share.sum()
    mean = share @ means
    var = share @ (variances + (means - mean).square())
    return mean.to(parts[0][0].dtype), var.to(parts[0][0].dtype)


def statistics_gradient(mean: Tensor, d_mean: Tensor, d_var: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Slope and offset of what a map's statistics send back to it, as a function of the map's values."""
    slope = 2 / count * d_var
    return slope, d_mean / count - slope * mean


def affine(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Per channel; by way of batch_norm, which takes maps of one type and vectors of another."""
    zero, one = torch.zeros_like(scale), torch.ones_like(scale)
    y = F.batch_norm(_channels_last(x.flatten(0, -2)), zero, one, scale, shift, False, 0.0, 0.0)
    return y.permute(0, 2, 3, 1).view_as(x)


def affine_backward(d: Tensor, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by x (N, H, W, C) or (R, C), scale and shift."""
    zero, one = torch.zeros_like(scale), torch.ones_like(scale)
    grads = torch.ops.aten.native_batch_norm_backward(
        *(_channels_last(t.flatten(0, -2)) for t in (d, x)), scale, zero, one, None, None, False, 0.0, [True] * 3
    )
    return grads[0].permute(0, 2, 3, 1).view_as(x), grads[1], grads[2]


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, the corners stay."""
    y = F.interpolate(_channels_last(x), size=tuple(size), mode='bilinear', align_corners=True)
    return y.permute(0, 2, 3, 1).contiguous()


def resize_backward(d: Tensor, x: Tensor) -> Tensor:
    """Gradient by x, of which only the size counts."""
    shape = _channels_last(x).shape
    d = torch.ops.aten.upsample_bilinear2d_backward(_channels_last(d), list(d.shape[1:3]), list(shape), True)
    return d.permute(0, 2, 3, 1).contiguous()


def mask_(d: Tensor, rectified: Tensor) -> Tensor:
    """Gradient through a ReLU, in the place of `d`."""
    return torch.ops.aten.threshold_backward.grad_input(d, rectified, 0, grad_input=d)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Add a b to `total`, whose type may be more accurate."""
    if total.dtype == a.dtype:
        torch.addmm(total, a, b, out=total)
    else:
        total += a @ b
