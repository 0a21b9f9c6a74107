"""Feature maps (N, C, H, W) in what a module of mmpretrain, timm or torchvision returns. N images, C channels, H x W cells, L tokens."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Grid = tuple[int, int]


def tensors_in(out: Any) -> Iterator[Tensor]:
    """The tensors of an output, in order, out of whatever sequences and mappings they come in."""
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, Mapping | Sequence) and not isinstance(out, str):
        for each in out.values() if isinstance(out, Mapping) else out:
            yield from tensors_in(each)


def as_map(x: Tensor, images: torch.Size, width: int | None = None, prefix_tokens: int | None = None) -> Tensor | None:
    """One tensor as a map (N, C, H, W), or None where it is none.

    Args:
        x: (N, C, H, W), (N, H, W, C), or tokens (N, L, C) whose grid follows from the shape of the images.
        images: Shape (N, channels, height, width) of the network's input.
        width: C where it is known; a map of another width is none.
        prefix_tokens: Number of tokens before those of the image, where the network says it; 0, 1 and 2 are tried too,
            because some networks add their class token late.
    """
    if len(x) != images[0] or not x.is_floating_point():
        return None
    if x.ndim == 4:
        x = _channels_first(x, images, width)
    elif x.ndim == 3:
        found = _without_prefix(x, images, prefix_tokens)
        if found is None:
            return None
        tokens, grid = found
        x = tokens.transpose(1, 2).unflatten(2, grid)
    else:
        return None
    return x if width is None or x.shape[1] == width else None


def shows(x: Tensor, images: torch.Size) -> bool:
    """Whether a map (N, C, H, W) has the images' proportions, more than one cell and more than one channel."""
    return x.shape[1] > 1 and x.shape[2:].numel() > 1 and _fits(x.shape[2], x.shape[3], images)


def _channels_first(x: Tensor, images: torch.Size, width: int | None) -> Tensor:
    if width is not None and (x.shape[1] == width) != (x.shape[3] == width):
        last = x.shape[3] == width
    else:
        last = not _fits(x.shape[2], x.shape[3], images) and _fits(x.shape[1], x.shape[2], images)
    return x.permute(0, 3, 1, 2) if last else x


def _without_prefix(x: Tensor, images: torch.Size, prefix_tokens: int | None) -> tuple[Tensor, Grid] | None:
    for within in (1, max(images[2:])):  # exactly the images' proportions, else to a cell
        for extra in dict.fromkeys((prefix_tokens or 0, 0, 1, 2)):
            count = x.shape[1] - extra
            middle = math.sqrt(max(count, 0) * images[2] / images[3])
            for height in sorted({math.floor(middle), math.ceil(middle)} - {0}):
                if count > 0 and count % height == 0 and _fits(height, count // height, images, within):
                    return x[:, extra:], (height, count // height)
    return None


def _fits(height: int, width: int, images: torch.Size, within: int = 0) -> bool:
    """Whether a grid has the images' proportions, to a cell or as given."""
    return abs(height * images[3] - width * images[2]) < (within or max(images[2:]))
