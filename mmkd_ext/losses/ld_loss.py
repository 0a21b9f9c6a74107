"""LD, localisation distillation: divergence of the distributions of a box's edges. N positions, B places at which an edge may lie."""

from typing import Any

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs, Row
from .numerics import at_least_float32, check_tau, divergence, log_probabilities


def ld_loss(student: Tensor, teacher: Tensor, tau: float, weights: Tensor | None = None) -> Tensor:
    r"""Divergence from the teacher's softened distributions, summed over the four edges of a box; a weighted mean over positions.

    .. math:: \frac{\tau^2}{\sum_n w_n} \sum_n w_n \sum_{e \in \{l, t, r, b\}} \mathrm{KL}(q_{n,e}^\tau \,\|\, p_{n,e}^\tau)

    with q the teacher's and p the student's distribution of an edge at temperature tau.

    Args:
        student: (N, 4, B) raw logits.
        teacher: (N, 4, B) raw logits; no gradient reaches them.
        tau: Temperature > 0; the paper has 10.
        weights: (N,) of the positions, not negative; no gradient reaches them; None: all alike.

    Returns:
        () nats per position times tau^2, float32 or better; grows with neither N nor B; 0 where all weights are 0.

    Raises:
        ValueError: tau <= 0, logits not of one shape (N, 4, B), or weights that are not (N,).

    Source: Zheng et al. 2022, arXiv:2102.12252, sec. 3.1. The factor tau^2 is Hinton's.

    Example:
        >>> teacher = torch.tensor([[[0.0, 2.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]])
        >>> round(ld_loss(torch.zeros(1, 4, 2), teacher, tau=1.0).item(), 4)  # two edges of 0.32781
        0.6556
    """
    check_tau('ld_loss', tau)
    if student.shape != teacher.shape or student.ndim != 3 or student.shape[1] != 4 or 0 in student.shape:
        raise ValueError(
            f'ld_loss needs student and teacher logits of one shape (N, 4, B), N and B > 0, got {tuple(student.shape)} and '
            f'{tuple(teacher.shape)}. Do both heads have the same reg_max?')
    if weights is not None and weights.shape != student.shape[:1]:
        raise ValueError(f'ld_loss needs weights (N,) of logits (N, 4, B), got {tuple(weights.shape)} and {tuple(student.shape)}.')
    with torch.autocast(student.device.type, enabled=False):
        s, t = at_least_float32(student), at_least_float32(teacher.detach())
        values = divergence(log_probabilities(t / tau), log_probabilities(s / tau)).sum(dim=1)
        w = torch.ones_like(values) if weights is None else at_least_float32(weights.detach()).to(values.dtype)
        return (w * values).sum() / w.sum().clamp_min(torch.finfo(w.dtype).tiny) * tau**2


@MODELS.register_module()
class LDLoss(DistillationLoss):
    """`ld_loss` at the positions where the student learns boxes, of detectors that predict distributions (GFL).

    Args:
        tau: Temperature > 0.
        loss_weight: Factor on the result; the paper has that of GFL's own loss of the distributions.
        weighted: Whether a position counts by the student's highest class score there, as in GFL's own losses of boxes.

    Shapes:
        student, teacher: `Outputs` with edges (N, 4, B), and the student's logits (N, K) where positions are weighted.
        target: Ignored.
        returns: ().

    Raises:
        ValueError: tau <= 0, a `loss_weight` that is no number of 0 or more, or heads of different reg_max.

    What is a reading: the paper weighs its main region and its valuable localisation region alike; only the first, the positives, is
    compared here. The released code takes the mean over the B places and over the edges, and divides by no sum of weights.

    Example:
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = (Outputs((), torch.zeros(2, 8), torch.zeros(2, 3), edges=x * torch.ones(2, 4, 5).cumsum(2)) for x in (1, 2))
        >>> loss = MODELS.build(dict(type='mmkd_ext.LDLoss', tau=10.0, loss_weight=0.25))
        >>> round(loss(student, teacher).item(), 4)
        0.9642
    """

    compares = 'edges'

    def __init__(self, tau: float = 10.0, loss_weight: float = 0.25, weighted: bool = True) -> None:
        super().__init__(loss_weight)
        check_tau('LDLoss', tau)
        self.tau, self.weighted = tau, weighted

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Nothing is trained; both heads need the same reg_max."""
        places = [_edges(said).shape[-1] for said in (student, teacher)]
        if places[0] != places[1]:
            raise ValueError(
                f'LDLoss compares distributions over the same places, got {places[0]} of the student and {places[1]} of the teacher '
                '(reg_max + 1). Look at reg_max of both bbox_heads.')
        return []

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the divergence times `loss_weight`."""
        weights = student.logits.detach().sigmoid().amax(dim=1) if self.weighted else None
        return self.loss_weight * ld_loss(_edges(student), _edges(teacher), self.tau, weights)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'tau={self.tau}, weighted={self.weighted}, {super().extra_repr()}'


def _edges(said: Any) -> Tensor:
    return said.edges
