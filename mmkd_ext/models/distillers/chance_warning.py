"""A warning about a teacher that is not better than chance. N samples, K classes."""

from logging import WARNING

import torch
from mmengine.logging import print_log
from torch import Tensor


class ChanceWatch:
    """Say once, after the first batches, that a teacher is not better than chance.

    Args:
        name: The teacher's.
        samples: Images to look at before judging.
        what: What they are, for the message.
    """

    def __init__(self, name: str, samples: int = 256, what: str = 'training images') -> None:
        self.name, self.samples, self.what = name, samples, what
        self._correct: list[Tensor] = []
        self._seen = 0

    @property
    def content(self) -> bool:
        """Whether it has seen enough."""
        return self._seen >= self.samples

    def see(self, correct: Tensor, num_classes: int) -> None:
        """Take the hits (N,) of a batch; nothing is read from the device before there are enough."""
        if self.content or num_classes < 2:  # of one class every guess is right
            return
        self._correct.append(correct.sum())
        self._seen += len(correct)
        if self._seen < self.samples:
            return
        hits, chance = float(torch.stack(self._correct).sum()), self._seen / num_classes
        self._correct.clear()
        if hits <= chance + 2 * (chance * (1 - 1 / num_classes)) ** 0.5:  # two standard deviations of guessing
            print_log(
                f'The teacher {self.name} is right on {hits:.0f} of the first {self._seen} {self.what}, which is '
                f'chance for {num_classes} classes. Are these its weights, its classes in this order and its '
                'data_preprocessor (mean, std, channel_order)?',
                'current',
                WARNING,
            )
