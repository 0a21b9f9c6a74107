"""The students' training step on CPU without their large maps: what is cheap to compute is computed again. N samples, C channels.

At the shallow stages time goes into memory, not arithmetic. So a map lives for a block of samples that fits into the cache and is made
a second time in the backward pass, and a normalisation is a scale and a shift, found before the map that they apply to is made.
Maps are (N, H, W, C), contiguous. Statistics and vectors made of them are float32 or better, all else has the maps' type.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mmkd_ext.losses.batch_of_one import fixed_statistics
from mmkd_ext.models.necks import teskd_blocks
from mmkd_ext.models.necks.teskd_blocks import (
    accurate,
    add_product,
    affine,
    affine_backward,
    blocks,
    cells_of,
    mask_,
    merge,
    moments,
    patch_blocks,
    resize,
    resize_backward,
    statistics_gradient,
)


def scale_and_shift(norm: nn.BatchNorm2d, mean: Tensor, var: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """What a training `norm` does to a map of `count` values per channel with these statistics; its running ones follow (not one value).

    Returns:
        Two vectors (C,): the map times the first plus the second is its output.
    """
    steps = norm.num_batches_tracked
    if count == 1:
        mean, var = fixed_statistics(norm, mean)
    elif steps is not None and norm.running_mean is not None and norm.running_var is not None:
        with torch.no_grad():
            steps += 1
            new = 1 / steps if norm.momentum is None else norm.momentum
            norm.running_mean.mul_(1 - new).add_(mean * new)
            norm.running_var.mul_(1 - new).add_(var * (count / (count - 1)) * new)
    scale = torch.rsqrt(var + norm.eps)
    if not norm.affine:
        return scale, -mean * scale
    scale = scale * norm.weight
    return scale, norm.bias - mean * scale


def product_statistics(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (biased) per channel of x times weight (D, C), from the mean and covariance of x (N, H, W, C)."""
    return _ProductStatistics.apply(x, weight.to(x.dtype))


def resized_statistics(x: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Mean and variance (biased) per channel of x (N, H, W, C) resized to `size`."""
    return _ResizedStatistics.apply(x, size)


def fuse(
    above: Tensor,
    above_affine: tuple[Tensor, Tensor],
    x: Tensor,
    x_weight: Tensor,
    x_affine: tuple[Tensor, Tensor],
    weights: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """Resize `above`, project `x`, normalise and rectify both, project each once more and add.

    Args:
        above: (N, h, w, C), before it is resized.
        above_affine: Scale and shift of it.
        x: (N, H, W, D).
        x_weight: (C, D), its projection.
        x_affine: Scale and shift of what is projected.
        weights: (E, C) twice, of `above` and of `x`.

    Returns:
        The result (N, H, W, E) with its mean and biased variance per channel.
    """
    return _Fuse.apply(above, *above_affine, x, x_weight, *x_affine, *weights)


def rectified_conv(x: Tensor, scale: Tensor, shift: Tensor, kernel: Tensor) -> Tensor:
    """Convolve max(scale x + shift, 0), of stride = kernel size, without padding.

    Args:
        x: (N, H, W, C).
        scale: (C,).
        shift: (C,).
        kernel: (D, h, w, C), no larger than the map.

    Returns:
        (N, H // h, W // w, D).
    """
    return _RectifiedConv.apply(x, scale, shift, kernel)


class _ProductStatistics(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        rows = x.flatten(0, 2)
        mean = rows.mean(0, dtype=torch.float64)
        # In double: weights may cancel what is common to the inputs, and with it float32's digits.
        covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
        for block in rows.split(max(teskd_blocks.BLOCK_BYTES // (8 * len(mean)), 1)):
            centred = block - mean
            covariance.addmm_(centred.t(), centred, alpha=1 / len(rows))
        w = weight.double()
        ctx.save_for_backward(x, weight, mean, covariance)
        statistics = w @ mean, (w @ covariance * w).sum(1)
        return tuple(s.to(accurate(x)) for s in statistics)

    @staticmethod
    @torch.compiler.disable
    @once_differentiable
    @torch.autocast('cpu', enabled=False)
    def backward(ctx: Any, grad_mean: Tensor, grad_var: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        x, weight, mean, covariance = ctx.saved_tensors
        w, count = weight.double(), x[..., 0].numel()
        weighted = 2 * grad_var[:, None] * w
        grad_weight = torch.outer(grad_mean.double(), mean) + weighted @ covariance
        matrix = w.t() @ weighted / count
        constant = grad_mean.double() @ w / count - mean @ matrix
        grad_x = F.linear(x, matrix.to(x.dtype), constant.to(x.dtype))  # the matrix is symmetric
        return grad_x, grad_weight.to(weight.dtype)


class _ResizedStatistics(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, ...]:
        mean, var = merge([moments(resize(x[block], size)) for block in blocks(x, size)])
        ctx.save_for_backward(x, mean)
        ctx.size = size
        return mean, var

    @staticmethod
    @torch.compiler.disable
    @once_differentiable
    def backward(ctx: Any, grad_mean: Tensor, grad_var: Tensor) -> tuple[Tensor, None]:
        x, mean = ctx.saved_tensors
        slope, offset = statistics_gradient(mean, grad_mean, grad_var, len(x) * ctx.size[0] * ctx.size[1])
        grad = torch.empty_like(x)
        for block in blocks(x, ctx.size):
            grad[block] = resize_backward(affine(resize(x[block], ctx.size), slope, offset), x[block])
        return grad, None


class _Fuse(Function):
    @staticmethod
    @torch.autocast('cpu', enabled=False)
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        x, of_above, of_x = inputs[3], *(t.to(inputs[0].dtype) for t in inputs[-2:])
        y = torch.empty(*x.shape[:3], len(of_x), dtype=x.dtype)
        parts = []
        for block in blocks(y, y.shape[1:3]):
            resized, lateral, _ = _Fuse.inputs(block, *inputs[:-2])
            rows = y[block].flatten(0, 2)
            torch.mm(resized, of_above.t(), out=rows)
            add_product(rows, lateral, of_x.t())
            parts.append(moments(y[block]))
        mean, var = merge(parts)
        ctx.save_for_backward(*inputs, y, mean)
        return y, mean, var

    @staticmethod
    def inputs(
        block: slice,
        above: Tensor,
        scale: Tensor,
        shift: Tensor,
        x: Tensor,
        weight: Tensor,
        x_scale: Tensor,
        x_shift: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The two rectified maps and the projection of x before it is normalised, as rows (R, C)."""
        # Resizing keeps constants, so scale and shift may come before it.
        resized = resize(affine(above[block], scale, shift), x.shape[1:3]).relu_().flatten(0, 2)
        projected = x[block].flatten(0, 2) @ weight.to(x.dtype).t()
        return resized, affine(projected, x_scale, x_shift).relu_(), projected

    @staticmethod
    @torch.compiler.disable
    @once_differentiable
    @torch.autocast('cpu', enabled=False)
    def backward(ctx: Any, grad_y: Tensor, grad_mean: Tensor, grad_var: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        *inputs, y, mean = ctx.saved_tensors
        above, scale, _, x, x_weight, x_scale, _, *weights = inputs
        grads = [torch.empty_like(t) if t is above or t is x else torch.zeros_like(t) for t in inputs]
        d_above, d_scale, d_shift, d_x, d_x_weight, d_x_scale, d_x_shift, d_of_above, d_of_x = grads
        slope, offset = statistics_gradient(mean, grad_mean, grad_var, y[..., 0].numel())
        of_x_weight, of_above, of_x = (t.to(y.dtype) for t in (x_weight, *weights))
        for block in blocks(y, y.shape[1:3]):
            resized, lateral, projected = _Fuse.inputs(block, *inputs[:-2])
            d_y = affine(y[block], slope, offset).add_(grad_y[block]).flatten(0, 2)
            add_product(d_of_above, d_y.t(), resized)
            add_product(d_of_x, d_y.t(), lateral)
            d = mask_(d_y @ of_above, resized).view(*y[block].shape[:3], -1)
            d, by_scale, by_shift = affine_backward(resize_backward(d, above[block]), above[block], scale)
            d_above[block] = d
            d_scale += by_scale
            d_shift += by_shift
            d, by_scale, by_shift = affine_backward(mask_(d_y @ of_x, lateral), projected, x_scale)
            d_x_scale += by_scale
            d_x_shift += by_shift
            add_product(d_x_weight, d.t(), x[block].flatten(0, 2))
            torch.mm(d, of_x_weight, out=d_x[block].flatten(0, 2))
        return tuple(grads)


class _RectifiedConv(Function):
    @staticmethod
    @torch.autocast('cpu', enabled=False)
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale, shift, kernel)
        cells = cells_of(x, kernel)
        out = torch.zeros(*cells.shape[:2], cells.shape[3], len(kernel), dtype=accurate(x))
        for block, row, columns in patch_blocks(cells):
            patches = (
                affine(cells[block, :, row, :, columns].contiguous(), scale, shift).relu_().flatten(3).flatten(0, 2)
            )
            rows = out[block].view(len(patches), -1)
            add_product(rows, patches, kernel[:, row, columns].flatten(1).to(x.dtype).t())
        return out.to(x.dtype)

    @staticmethod
    @torch.compiler.disable
    @once_differentiable
    @torch.autocast('cpu', enabled=False)
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        x, scale, shift, kernel = ctx.saved_tensors
        d_scale, d_shift, d_kernel = (torch.zeros_like(t) for t in (scale, shift, kernel))
        covered = x.shape[1] % kernel.shape[1] == 0 == x.shape[2] % kernel.shape[2]
        d_x = torch.empty_like(x) if covered else torch.zeros_like(x)
        cells, d_cells = cells_of(x, kernel), cells_of(d_x, kernel)
        for block, row, columns in patch_blocks(cells):
            pixels = cells[block, :, row, :, columns].contiguous()
            patches = affine(pixels, scale, shift).relu_()
            g = grad[block].flatten(0, 2)
            add_product(d_kernel[:, row, columns].flatten(1), g.t(), patches.view(len(g), -1))
            d_patches = (g @ kernel[:, row, columns].flatten(1).to(g.dtype)).view_as(patches)
            d, by_scale, by_shift = affine_backward(mask_(d_patches, patches), pixels, scale)
            d_cells[block, :, row, :, columns] = d
            d_scale += by_scale
            d_shift += by_shift
        return d_x, d_scale, d_shift, d_kernel
