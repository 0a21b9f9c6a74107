"""Positions at which a dense teacher is surest of a class, as samples beside the student's positives. N images, K classes, A priors."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .positions import Cells


class Guesses(NamedTuple):
    """Where a teacher is surest of a class.

    Attributes:
        priors: A of its head.
        by_stride: Cells of each stride, and the class (S,) whose score is highest there.
    """

    priors: int
    by_stride: Mapping[int, tuple[Cells, Tensor]]


def surest(scores: Sequence[Tensor], strides: Sequence[int], priors: int, count: int) -> Guesses:
    """The `count` priors of each image, of all maps, whose highest score is highest.

    Args:
        scores: (N, A * K, H, W) of each map.
        strides: Of the maps.
        priors: A.
        count: 1 or more; all priors where there are fewer.

    Example:
        >>> scores = torch.tensor([[0.1, 0.9], [0.4, 0.2]]).reshape(1, 2, 1, 2)  # two classes in two cells
        >>> (image, row, column, prior), label = surest([scores], [8], 1, 1).by_stride[8]
        >>> column.tolist(), label.tolist()
        ([1], [0])
    """
    grids = [x.unflatten(1, (priors, -1)).permute(0, 3, 4, 1, 2) for x in scores]  # (N, H, W, A, K)
    highest = torch.cat([x.amax(dim=-1).flatten(1) for x in grids], dim=1)
    chosen = torch.zeros_like(highest, dtype=torch.bool)
    chosen.scatter_(1, highest.topk(min(count, highest.shape[1]), dim=1).indices, True)
    found = {}
    for stride, grid, each in zip(strides, grids, chosen.split([x[0, ..., 0].numel() for x in grids], dim=1), strict=True):
        cells = each.reshape(grid.shape[:-1]).nonzero().unbind(dim=1)
        found[stride] = cells, grid[cells].argmax(dim=-1)
    return Guesses(priors, found)


def beside(
    cells: Sequence[Cells], labels: Tensor, strides: Sequence[int], guesses: Sequence[Guesses], priors: int
) -> tuple[list[Cells], Tensor, Tensor]:
    """The positives of each map with the guesses that are none of them, and of all, map after map, the labels and whether they are true.

    A guess for one of several priors is one for its cell where the other head has one; a guess of a head with one is for all priors there.

    Args:
        cells: Of the positives of each map.
        labels: (S,) theirs, map after map.
        strides: Of the maps; guesses elsewhere are left out.
        guesses: Of each teacher; of two for one place the first one's label counts.
        priors: A of the head whose positives these are.
    """
    joined: list[Cells] = []
    told, true = [], []
    for stride, mine, own in zip(strides, cells, labels.split([len(x[0]) for x in cells]), strict=True):
        rows, classes = [torch.stack(mine, dim=1)], [own]
        for each in guesses:
            if stride in each.by_stride:
                found, label = each.by_stride[stride]
                several = priors if each.priors == 1 else 1
                row = torch.stack(found, dim=1).repeat_interleave(several, dim=0)
                if 1 in (priors, each.priors):
                    row[:, 3] = torch.arange(several, device=row.device).repeat(len(label))
                rows.append(row)
                classes.append(label.repeat_interleave(several))
        first = _first(torch.cat(rows))
        joined.append(torch.cat(rows)[first].unbind(dim=1))
        told.append(torch.cat(classes)[first])
        true.append(first < len(own))
    return joined, torch.cat(told), torch.cat(true)


def _first(rows: Tensor) -> Tensor:
    """Where each different row is for the first time, in their order."""
    different, same = rows.unique(dim=0, return_inverse=True)
    numbers = torch.arange(len(rows), device=rows.device)
    return torch.full((len(different),), len(rows), device=rows.device).scatter_reduce(0, same, numbers, 'amin').sort()[0]
