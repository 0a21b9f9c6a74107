"""Two detectors' pyramids of maps, paired by stride. N images, C channels."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from .base import Levels


def strides_of(side: int, maps: Sequence[Tensor]) -> list[int]:
    """Pixels for each cell of maps (N, C, H, W) of images that wide."""
    return [round(side / x.shape[-1]) for x in maps]


def common_levels(side: int, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Levels:
    """Places of the maps of one stride, in both; where images are so small that maps of several strides have one cell, in order."""
    mine, theirs = (
        [(stride, strides[:i].count(stride)) for i, stride in enumerate(strides)]
        for strides in (strides_of(side, student), strides_of(side, teacher)))
    common = [each for each in mine if each in theirs]
    return [mine.index(each) for each in common], [theirs.index(each) for each in common]


def check_maps(name: str, loss: Any, side: int, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> None:
    """Whether a loss of that name reads maps alone, of pyramids with a stride in common; where some strides are left out, it is told.

    Raises:
        ValueError: It does not, or they have none.
    """
    if not loss.reads('stages'):
        return
    if loss.reads('embedding'):
        raise ValueError(f'losses.{name} needs with_embedding=False in detection, where embeddings belong to regions or positions.')
    if loss.reads('logits'):
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares maps of images and logits, which belong to regions or positions in '
            'detection: two losses are needed, one for each.')
    mine, theirs = common_levels(side, student, teacher)
    pyramids = told(side, student), told(side, teacher)
    if not mine:
        raise ValueError(
            f'losses.{name} compares maps of one stride, and the pyramids have none in common: student {pyramids[0]}; '
            f'teacher {pyramids[1]} (stride: channels). Look at out_indices, start_level and num_outs of backbone and neck.')
    if len({len(mine), len(theirs), len(student), len(teacher)}) > 1:
        print_log(f'losses.{name} follows the strides that both have of {pyramids[0]} and {pyramids[1]}.', 'current', WARNING)


def told(side: int, maps: Sequence[Tensor]) -> str:
    """A pyramid in words."""
    return ', '.join(f'{stride}: {x.shape[1]}' for stride, x in zip(strides_of(side, maps), maps, strict=True))
