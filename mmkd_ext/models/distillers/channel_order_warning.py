"""A warning about a teacher that is given its channels in the wrong order. N samples, C channels, K classes."""

from collections.abc import Mapping
from logging import WARNING

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.datasets.channel_order import OTHER
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.teachers.frozen_teacher import FrozenTeacher


class OrderWatch:
    """Say once, after the first batches, that a teacher is right more often with the channels in the other order.

    The first images are kept until there are enough, and the teacher looks at them once more, in that one step.

    Args:
        teacher: It looks a second time at the first images, with the channels turned round.
        samples: Images to look at before judging.
    """

    def __init__(self, teacher: FrozenTeacher, samples: int = 256) -> None:
        self.teacher, self.samples = teacher, samples
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []
        self._seen = 0

    @property
    def content(self) -> bool:
        """Whether it has seen enough."""
        return self._seen >= self.samples

    def see(self, inputs: Tensor, said: Outputs, target: Tensor) -> None:
        """Take a batch; nothing is computed before there are enough.

        Args:
            inputs: (N, C, H, W), as the student's preprocessor made them; only three channels have an order.
            said: What the teacher says of them.
            target: (N,) labels.
        """
        if self.content or inputs.shape[1] != 3:
            return
        self._kept.append((inputs, target, said.logits.argmax(dim=1)))
        self._seen += len(target)
        if self.content:
            self._judge()

    def _judge(self) -> None:
        gained = lost = 0
        for inputs, target, guess in self._kept:
            other = self.teacher(inputs, once=True, swapped=True).logits.argmax(dim=1)
            gained += int(((other == target) & (guess != target)).sum())
            lost += int(((other != target) & (guess == target)).sum())
        self._kept.clear()
        # were the orders equally good, each image on which they differ would be a coin's toss
        if gained - lost > 2 * (gained + lost) ** 0.5:
            print_log(
                f'The teacher {self.teacher.name} sees red as blue: with the channels in the other order it is right on '
                f'{gained - lost} more of the first {self._seen} training images. {_remedy(self.teacher.order)}',
                'current',
                WARNING,
            )


def _remedy(order: str | None) -> str:
    if order is not None:
        return f"Set model.teacher=dict(model=..., channel_order='{OTHER[order]}'), or model.channel_order where that is not the images'."
    return (
        "Set model.channel_order, in which the images come ('rgb' or 'bgr'), and in model.teacher=dict(...) a data_preprocessor "
        "(mean, std) and the other channel_order.")


def watch_orders(watches: Mapping[str, OrderWatch], inputs: Tensor, said: Mapping[str, Outputs], target: Tensor, num_classes: int) -> None:
    """Show a training batch to the watches of the teachers that have the student's K classes."""
    # mixed images, a look at one batch before the run, or `torch.compile`
    if target.ndim != 1 or not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return
    with torch.no_grad():
        for name, watch in watches.items():
            if said[name].logits.shape[1] == num_classes:
                watch.see(inputs, said[name], target)
