"""Distance of a student's features from a teacher's: one minus the cosine, or smooth L1. N samples, D channels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmkd_ext.errors import check_numbers

from .numerics import at_least_float32

BY = ('cosine', 'smooth_l1')


def check_distance(owner: str, by: str, beta: float) -> None:
    """Raise a ValueError unless the distance is a known one with a positive `beta`."""
    if by not in BY:
        raise ValueError(f'{owner} needs by of {" or ".join(map(repr, BY))}, got {by!r}.')
    check_numbers(owner, beta=beta)
    if not beta > 0:
        raise ValueError(f'{owner} needs beta > 0, where smooth L1 turns from a square into a line, got {beta!r}.')


def feature_distance(student: Tensor, teacher: Tensor, by: str, beta: float) -> Tensor:
    r"""The distance of features (N, D, ...) of one shape, a mean over all vectors (cosine) or all numbers (smooth L1).

    A vector of zeros has no direction: its cosine with any other is 0.

    Args:
        student: (N, D, ...), channels second.
        teacher: Of the same shape; no gradient reaches it.
        by: 'cosine' or 'smooth_l1'.
        beta: Of smooth L1: a difference x counts x^2 / (2 beta) below it, abs(x) - beta / 2 above it.

    Returns:
        () float32 or better; grows with neither N nor D.
    """
    with torch.autocast(student.device.type, enabled=False):
        mine, theirs = at_least_float32(student), at_least_float32(teacher.detach())
        if by == 'smooth_l1':
            return F.smooth_l1_loss(mine, theirs, beta=beta)
        return 1 - (_directions(mine) * _directions(theirs)).sum(dim=1).mean()


def _directions(x: Tensor) -> Tensor:
    """Vectors (N, D, ...) of length 1; those of zeros stay as they are, and have a finite gradient."""
    largest = x.detach().abs().amax(dim=1, keepdim=True)
    x = x / largest.masked_fill(largest == 0, 1.0)  # changes no direction, and keeps the squares in range
    squares = x.square().sum(dim=1, keepdim=True)
    return x * squares.masked_fill(squares == 0, 1.0).rsqrt()
