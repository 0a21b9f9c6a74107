"""Whether a teacher's predictions fit the labels better in another order of the classes. N samples, K classes."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment


class Order(NamedTuple):
    """The best order of a teacher's classes: what it calls each class, and how many images are right by it alone or by the labels alone."""

    calls: list[int]
    gained: int
    lost: int

    @property
    def other(self) -> bool:
        """Whether another order is better beyond what guessing gives."""
        return self.gained - self.lost > 3 * (self.gained + self.lost) ** 0.5

    @property
    def moved(self) -> list[tuple[int, int]]:
        """Class, and what the teacher calls it, where the two differ."""
        return [(k, called) for k, called in enumerate(self.calls) if called != k]


def best_order(labels: np.ndarray, guesses: np.ndarray, classes: int) -> Order:
    """Match what a teacher says to the labels, class for class, and count on images by which the match was not made.

    Half of each class's images make the match and the other half are counted, then the other way round, so that a teacher that only
    guesses is not matched to its guesses.

    Args:
        labels: (N,) of the student's classes.
        guesses: (N,) of the teacher.
        classes: K.

    Example:
        >>> labels = np.arange(3).repeat(10)
        >>> best_order(labels, np.array([1, 0, 2])[labels], 3)
        Order(calls=[1, 0, 2], gained=20, lost=0)
    """
    first = np.zeros(len(labels), dtype=bool)
    for k in range(classes):
        first[np.flatnonzero(labels == k)[::2]] = True
    gained = lost = 0
    for half in (first, ~first):
        calls = _match(labels[half], guesses[half], classes)
        theirs, mine, said = calls[labels[~half]], labels[~half], guesses[~half]
        gained += int(((said == theirs) & (said != mine)).sum())
        lost += int(((said != theirs) & (said == mine)).sum())
    return Order(_match(labels, guesses, classes).tolist(), gained, lost)


def _match(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """(K,) the prediction for each class by which most images are right; the class itself where that is as good."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels, guesses), 1)
    return linear_sum_assignment(counts + 0.5 * np.eye(classes), maximize=True)[1]
