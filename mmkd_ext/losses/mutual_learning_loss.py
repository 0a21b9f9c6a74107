"""Mutual learning: each student's divergence from its peers. S students, N samples, K classes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_tau, divergence, log_probabilities


def mutual_learning_loss(logits: Tensor, tau: float = 1.0) -> Tensor:
    r"""Each student's mean divergence from its peers' predictions, all students in one stacked computation.

    .. math:: \frac{\tau^2}{(S - 1) N} \sum_{j \ne k} \sum_n \mathrm{KL}(p_{j,n}^\tau \,\|\, p_{k,n}^\tau), \quad k = 1 \dots S

    Args:
        logits: (S, N, K) raw logits of two or more students; a student learns from its own entry of the result alone.
        tau: Temperature > 0; with 1 and two students this is deep mutual learning.

    Returns:
        (S,) nats per sample times tau^2, float32 or better.

    Raises:
        ValueError: tau <= 0, or logits that are not (S, N, K) with S >= 2.

    Source: Zhang et al. 2018, arXiv:1706.00384, sec. 3.2 and 3.4.

    Example:
        >>> import torch
        >>> students = torch.tensor([[[0.0, 1.0]], [[0.0, 3.0]]])  # two students, one sample, two classes
        >>> mutual_learning_loss(students, tau=1.0).round(decimals=4)
        tensor([0.1698, 0.2732])
    """
    check_tau('mutual_learning_loss', tau)
    if logits.ndim != 3 or len(logits) < 2 or 0 in logits.shape:
        raise ValueError(
            f'mutual_learning_loss needs logits (S, N, K) of S >= 2 students, N and K > 0, got {tuple(logits.shape)}.')
    with torch.autocast(logits.device.type, enabled=False):
        log_p = log_probabilities(at_least_float32(logits) / tau)
        peers = log_p.detach()
        # Not by the mean of the peers' distributions, which is faster and loses a small divergence in rounding.
        total = sum(divergence(peers.roll(shift, dims=0), log_p) for shift in range(1, len(logits)))
        return total.mean(dim=1) * (tau**2 / (len(logits) - 1))  # type: ignore[union-attr]


@MODELS.register_module()
class MutualLearningLoss(DistillationLoss):
    """`mutual_learning_loss` among the students of a `MutualLearningDistiller`.

    Args:
        tau: Temperature > 0.
        loss_weight: Factor on the result.

    Shapes:
        students: `Outputs` with logits (N, K), one of each student.
        returns: (S,).

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> students = [Outputs((), torch.eye(3), scale * torch.eye(3)) for scale in (1.0, 2.0)]
        >>> MODELS.build(dict(type='mmkd_ext.MutualLearningLoss', tau=2.0))(students).shape
        torch.Size([2])
    """

    among_peers = True

    def __init__(self, tau: float = 1.0, loss_weight: float | str = 1.0) -> None:
        super().__init__(loss_weight)
        check_tau('MutualLearningLoss', tau)
        self.tau = tau

    def forward(self, students: Sequence[NetworkOutputs]) -> Tensor:
        """Return the weighted losses, one of each student."""
        shapes = {tuple(student.logits.shape) for student in students}
        if len(shapes) != 1:
            raise ValueError(
                f'MutualLearningLoss needs logits of one shape (N, K) from all students, got {sorted(shapes)}. Do their heads have '
                'the same num_classes?')
        return self.loss_weight * mutual_learning_loss(torch.stack([student.logits for student in students]), self.tau)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'tau={self.tau}, loss_weight={self.loss_weight}'
