"""Tower, the end of a dense head's classification, where a student's feature may go on through a teacher's. N images."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor


class Tower(NamedTuple):
    """For each map, shallow first.

    Attributes:
        features: (N, D, H, W), what enters the last but one convolution of the classification.
        scores: (N, A * K, H, W), what the last one gave: raw class scores.
        ends: What makes scores of features: the last two convolutions.
    """

    features: tuple[Tensor, ...]
    scores: tuple[Tensor, ...]
    ends: tuple[Callable[[Tensor], Tensor], ...]

    def at(self, levels: Sequence[int]) -> 'Tower':
        """That of some maps."""
        features, scores = (tuple(each[i] for i in levels) for each in (self.features, self.scores))
        return Tower(features, scores, tuple(self.ends[i] for i in levels))

    def detached(self) -> 'Tower':
        """Without gradient."""
        return Tower(tuple(x.detach() for x in self.features), tuple(x.detach() for x in self.scores), self.ends)
