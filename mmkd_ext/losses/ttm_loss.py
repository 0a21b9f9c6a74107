"""TTM, transformed teacher matching: a temperature on the teacher's side alone. N samples, K classes."""

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_exponent, check_logits, divergence, log_probabilities


def ttm_loss(student: Tensor, teacher: Tensor, gamma: float, weighted: bool = False) -> Tensor:
    r"""Divergence of the student's plain prediction from a power of the teacher's, averaged over samples.

    .. math:: \frac1N \sum_n w_n\, \mathrm{KL}(q_n^{(\gamma)} \,\|\, p_n), \quad
              q^{(\gamma)}_k = \frac{q_k^\gamma}{\sum_j q_j^\gamma}, \quad w_n = 1 \text{ or } \sum_j q_{nj}^\gamma

    with q the teacher's and p the student's distribution. The power is a temperature of 1 / gamma, which the student has not: against
    `kd_loss` that pulls the student's prediction towards a certain one less. The weight of WTTM is 1 where the teacher is certain, and
    grows to K^(1 - gamma) where it has no opinion.

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits; no gradient reaches them.
        gamma: Exponent > 0 of the teacher's probabilities; 1 leaves them as they are, less than 1 softens them.
        weighted: Whether each sample counts by the sum of its teacher's powers (WTTM).

    Returns:
        () nats per sample, float32 or better; there is no factor of gamma.

    Raises:
        ValueError: gamma <= 0, or logits not of one shape (N, K).

    Source: Zheng & Yang 2024, arXiv:2402.11148, sec. 3 (TTM) and 4 (WTTM).

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(ttm_loss(student, teacher, gamma=1.0).item(), 4), round(abs(ttm_loss(student, teacher, gamma=0.5).item()), 4)
        (0.1156, 0.0)
    """
    check_logits('ttm_loss', student, teacher)
    check_exponent('ttm_loss', gamma)
    with torch.autocast(student.device.type, enabled=False):
        log_p = log_probabilities(at_least_float32(student))
        powers = gamma * log_probabilities(at_least_float32(teacher.detach()))
        values = divergence(log_probabilities(powers), log_p)
        return (powers.logsumexp(dim=1).exp() * values).mean() if weighted else values.mean()


@MODELS.register_module()
class TTMLoss(DistillationLoss):
    """`ttm_loss` between two networks' logits: TTM, or WTTM with `weighted`.

    Args:
        gamma: Exponent > 0 of the teacher's probabilities, one over the temperature.
        weighted: Whether samples count by how soft the teacher's prediction is (WTTM).
        loss_weight: Factor on the result; there is no tau^2 in it, so that it is larger than `KDLoss`'s.

    Shapes:
        student, teacher: `Outputs` with logits (N, K).
        target: Ignored.
        returns: ().

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.eye(3), torch.eye(3)), Outputs((), torch.eye(3), 2 * torch.eye(3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.TTMLoss', gamma=0.1, weighted=True))
        >>> round(loss(student, teacher).item(), 4)
        0.2016
    """

    scores = ('softmax',)

    def __init__(self, gamma: float = 0.1, weighted: bool = False, loss_weight: float | str = 1.0) -> None:
        super().__init__(loss_weight)
        check_exponent('TTMLoss', gamma)
        self.gamma = gamma
        self.weighted = weighted

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        return self.loss_weight * ttm_loss(student.logits, teacher.logits, self.gamma, self.weighted)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'gamma={self.gamma}, weighted={self.weighted}, loss_weight={self.loss_weight}'
