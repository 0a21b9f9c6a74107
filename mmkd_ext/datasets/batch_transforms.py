"""Random crops and flips of whole batches, as mmpretrain's transforms make them image by image. N images (N, H, W, C), uint8."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import LoadImageFromFile, RandomFlip
from mmpretrain.datasets.transforms import PackInputs, RandomCrop
from torch import Tensor


class BatchTransform(Protocol):
    """A random transform of a batch: drawn on the CPU, applied where the images are."""

    def draw(self, n: int) -> list[np.ndarray]:
        """Rows of N whole numbers from numpy's random state, which `EpochSeedHook` seeds."""

    def apply(self, images: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Transform N images by such rows, on the images' device."""


class BatchCrop:
    """mmpretrain's `RandomCrop` of a whole batch.

    Args:
        size: (h, w) of the crops.
        padding: Black pixels left, top, right and bottom.
    """

    def __init__(self, size: tuple[int, int], padding: tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
        self.size, self.padding = size, padding
        self.room: tuple[int, int] = (0, 0)  # offsets to choose from, beyond 0

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Learn the images' size; return that of the crops."""
        left, top, right, bottom = self.padding
        self.room = height + top + bottom - self.size[0], width + left + right - self.size[1]
        if min(self.room) < 0:
            raise ValueError(
                f'RandomCrop by batch needs crop_size <= the padded images, got {self.size} of images ({height}, {width}) '
                f'with padding {self.padding}.'
            )
        return self.size

    def draw(self, n: int) -> list[np.ndarray]:
        """Offsets from the top and from the left."""
        return [np.random.randint(0, room + 1, n) for room in self.room]

    def apply(self, images: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Cut (h, w) out of each padded image."""
        (n, *_, c), (left, top, right, bottom) = images.shape, self.padding
        padded = F.pad(images.flatten(2), (left * c, right * c, top, bottom))
        windows = padded.unfold(1, self.size[0], 1).unfold(2, self.size[1] * c, c)  # (N, y, x, h, w * C)
        return windows[torch.arange(n, device=images.device), drawn[0], drawn[1]].unflatten(2, (self.size[1], c))


class BatchFlip:
    """mmpretrain's `RandomFlip` of a whole batch, in one direction.

    Args:
        prob: Share of the images that are flipped.
        axis: 2 for horizontal, 1 for vertical.
    """

    def __init__(self, prob: float, axis: int = 2) -> None:
        self.prob, self.axis = prob, axis

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """The size does not change."""
        return height, width

    def draw(self, n: int) -> list[np.ndarray]:
        """1 for an image that is flipped."""
        return [(np.random.random(n) < self.prob).astype(np.int64)]

    def apply(self, images: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Flip some."""
        if images.is_cuda:  # which would wait to count the flipped ones
            return torch.where(drawn[0].bool()[:, None, None, None], images.flip(self.axis), images)
        which = drawn[0].nonzero().flatten()
        return images.index_copy(0, which, images[which].flip(self.axis))


def by_batch(transforms: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Split a pipeline into what loads an image once and what is drawn for every batch.

    Args:
        transforms: Of a dataset: maybe `LoadImageFromFile`, then any of `RandomCrop` and `RandomFlip`, then `PackInputs`.

    Returns:
        The transforms that load, and batch transforms.

    Raises:
        ValueError: A transform, or an option of one, that is not known by batch.
    """
    *body, last = transforms or [None]
    if type(last) is not PackInputs or last.input_key != 'img' or tuple(last.algorithm_keys):
        raise _unknown(last, 'a pipeline that ends in PackInputs without keys of its own')
    loads = [body.pop(0)] if body and type(body[0]) is LoadImageFromFile else []
    return loads, [_by_batch(transform) for transform in body]


def _by_batch(transform: Any) -> BatchCrop | BatchFlip:
    if type(transform) is RandomCrop:
        if transform.pad_if_needed or transform.padding_mode != 'constant':
            raise _unknown(transform, "RandomCrop without pad_if_needed and with padding_mode='constant'")
        if transform.pad_val != 0:  # OpenCV gives another number to the first channel only
            raise _unknown(transform, 'RandomCrop with pad_val=0')
        return BatchCrop(tuple(transform.crop_size), _four(transform.padding))  # type: ignore[arg-type]
    if type(transform) is RandomFlip:
        if not isinstance(transform.prob, float) or transform.direction not in ('horizontal', 'vertical'):
            raise _unknown(transform, 'RandomFlip with one prob and one direction, horizontal or vertical')
        return BatchFlip(transform.prob, 2 if transform.direction == 'horizontal' else 1)
    raise _unknown(transform, 'LoadImageFromFile, RandomCrop, RandomFlip and PackInputs')


def _four(padding: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom, as mmcv reads them."""
    if padding is None:
        return 0, 0, 0, 0
    if isinstance(padding, int):
        return padding, padding, padding, padding
    return tuple(padding) if len(padding) == 4 else (*padding, *padding)  # type: ignore[return-value]


def _unknown(transform: Any, needed: str) -> ValueError:
    return ValueError(
        f'Augmentation by batch needs {needed}, got {transform!r}. Look at dataset.pipeline, or set dataset.by_batch=False.'
    )
