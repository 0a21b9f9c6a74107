"""Which classes are taken for which. N images, K classes."""

from typing import NamedTuple

import numpy as np


class Mistake(NamedTuple):
    """A class that is called another, and how often, of how many."""

    label: int
    called: int
    times: int
    of: int


def confusion_matrix(labels: np.ndarray, called: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts: a row for each true class, a column for what it is called.

    Example:
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    return np.bincount(labels * classes + called, minlength=classes * classes).reshape(classes, classes)


def commonest_mistakes(matrix: np.ndarray, most: int = 10) -> list[Mistake]:
    """The largest entries off the diagonal, the most frequent first."""
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind='stable')[:most]
    rows, columns = np.unravel_index(order, off.shape)
    of = matrix.sum(axis=1)
    return [
        Mistake(int(i), int(j), int(off[i, j]), int(of[i])) for i, j in zip(rows, columns, strict=True) if off[i, j]]
