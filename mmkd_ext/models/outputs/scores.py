"""Kinds of a head's scores: one softmax, a sigmoid for each class, or values that are no scores. N samples, K classes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.structures import label_to_onehot
from torch import Tensor

SOFTMAX, SIGMOID, VALUES = 'softmax', 'sigmoid', 'values'
_KINDS = {'MultiLabelClsHead': SIGMOID, 'RegressionHead': VALUES}  # mmpretrain's, and what inherits from them
_SAID = {SOFTMAX: 'one softmax over the classes', SIGMOID: 'a sigmoid for each class', VALUES: 'values of a regression'}


def scores_of(network: Any) -> str:
    """The kind of a classifier's scores, as it predicts them."""
    kinds = type(getattr(network, 'head', None)).__mro__
    return next((_KINDS[kind.__name__] for kind in kinds if kind.__name__ in _KINDS), SOFTMAX)


def check_scores(name: str, loss: Any, student: str, teacher: str, who: str = 'the student', whom: str = 'the teacher') -> None:
    """Whether a loss can compare networks with scores of these kinds.

    Args:
        name: Of the loss.
        loss: Its module; `scores` in it names the kinds of which it compares two alike, None any.
        student: Kind of scores.
        teacher: Kind of scores.
        who: The student, for the sentence.
        whom: The teacher, for the sentence.

    Raises:
        ValueError: It cannot.
    """
    taken = loss.scores if loss.reads('logits') else None
    if taken is not None and (student != teacher or student not in taken):
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares {" or ".join(_SAID[kind] for kind in taken)} of both networks, got '
            f'{_SAID[student]} of {who} and {_SAID[teacher]} of {whom}. Look at the types of their heads. For heads with several labels '
            'there are KDLoss (binary for each class), NDLoss and ReviewKDLoss.')
    if loss.needs_class_means and student == VALUES:
        raise ValueError(f'losses.{name} ({type(loss).__name__}) follows the means of classes, got {_SAID[VALUES]} of {who}.')


def multi_hot(samples: Sequence[Any], classes: int) -> Tensor:
    """(N, K) the labels of images that may have several or none, in 0..1; what a data set marks as difficult (-1) does not count."""
    rows = [x.gt_score.float() if 'gt_score' in x else label_to_onehot(x.gt_label, classes).float() for x in samples]
    return torch.stack(rows).clamp(min=0)


def label_shares(samples: Sequence[Any], classes: int) -> Tensor:
    """(N, K) soft labels that give each label of an image the same share; zeros for an image without one."""
    hot = multi_hot(samples, classes)
    total = hot.sum(dim=1, keepdim=True)
    return hot / total.masked_fill(total == 0, 1.0)
