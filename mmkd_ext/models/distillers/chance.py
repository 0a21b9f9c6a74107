"""A teacher that guesses. N samples, K classes."""

from logging import WARNING

import torch
from mmengine.logging import print_log
from torch import Tensor


class ChanceWatch:
    """Say once, after the first batches, that a teacher is not better than chance.

    Args:
        name: The teacher's.
        samples: Images to look at before judging.
    """

    def __init__(self, name: str, samples: int = 256) -> None:
        self.name, self.samples = name, samples
        self._correct: list[Tensor] = []
        self._seen = 0

    def see(self, correct: Tensor, num_classes: int) -> None:
        """Take the hits (N,) of a batch; nothing is read from the device before there are enough."""
        if self._seen >= self.samples:
            return
        self._correct.append(correct.sum())
        self._seen += len(correct)
        if self._seen < self.samples:
            return
        hits, chance = float(torch.stack(self._correct).sum()), self._seen / num_classes
        self._correct.clear()
        if hits <= chance + 2 * (chance * (1 - 1 / num_classes)) ** 0.5:  # two standard deviations of guessing
            print_log(
                f'The teacher {self.name} is right on {hits:.0f} of the first {self._seen} training images, which is '
                f'chance for {num_classes} classes. Are these its weights, its classes in this order and its '
                'data_preprocessor (mean, std, channel_order)?',
                'current',
                WARNING,
            )
