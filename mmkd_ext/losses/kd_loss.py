"""KD, soft-target distillation. N samples, K classes."""

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_logits, check_tau, divergence, log_probabilities, standardised


def kd_loss(student: Tensor, teacher: Tensor, tau: float, standardise: bool = False) -> Tensor:
    r"""Divergence from the teacher's softened prediction, averaged over samples.

    .. math:: \frac{\tau^2}{N} \sum_n \mathrm{KL}(q_n^\tau \,\|\, p_n^\tau)

    with q the teacher's and p the student's distribution at temperature tau. With `standardise` both networks' logits become
    z-scores first, so that the student learns the teacher's relations between classes and not the size of its logits.

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits; no gradient reaches them.
        tau: Temperature > 0; 1 leaves the logits as they are.
        standardise: Whether each sample's logits are brought to mean 0 and variance 1 over the classes; equal logits become 0.

    Returns:
        () nats per sample times tau^2, float32 or better; grows with neither N nor K.

    Raises:
        ValueError: tau <= 0, or logits not of one shape (N, K).

    Source: Hinton et al. 2015, arXiv:1503.02531, sec. 2; `standardise`: Sun et al. 2024, arXiv:2403.01427, algorithms 1 and 2.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(kd_loss(student, teacher, tau=2.0).item(), 4)
        0.2411
    """
    check_logits('kd_loss', student, teacher)
    check_tau('kd_loss', tau)
    with torch.autocast(student.device.type, enabled=False):
        s, t = at_least_float32(student), at_least_float32(teacher.detach())
        if standardise:
            s, t = standardised(s, dim=1), standardised(t, dim=1)
        log_p, log_q = log_probabilities(s / tau), log_probabilities(t / tau)
        return divergence(log_q, log_p).mean() * tau**2


def binary_kd_loss(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    r"""Divergence of each class's yes or no, summed over classes, averaged over samples: `kd_loss` for scores that are sigmoids.

    .. math:: \frac{\tau^2}{N} \sum_n \sum_k \mathrm{KL}\big((q_{nk}, 1 - q_{nk}) \,\|\, (p_{nk}, 1 - p_{nk})\big)

    with q the teacher's and p the student's sigmoid at temperature tau. It grows with K, as mmpretrain's own loss for several labels.

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits; no gradient reaches them.
        tau: Temperature > 0.

    Returns:
        () nats per sample times tau^2, float32 or better.

    Raises:
        ValueError: tau <= 0, or logits not of one shape (N, K).

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(binary_kd_loss(student, teacher, tau=2.0).item(), 4)
        0.3739
    """
    check_logits('binary_kd_loss', student, teacher)
    check_tau('binary_kd_loss', tau)
    with torch.autocast(student.device.type, enabled=False):
        s, t = at_least_float32(student) / tau, at_least_float32(teacher.detach()) / tau
        log_p, log_q = (log_probabilities(torch.stack([x, torch.zeros_like(x)], dim=-1)) for x in (s, t))
        return divergence(log_q, log_p).sum(dim=1).mean() * tau**2


@MODELS.register_module()
class KDLoss(DistillationLoss):
    """`kd_loss` between two networks' logits, or `binary_kd_loss` where their scores are a sigmoid for each class.

    Args:
        tau: Temperature > 0. ND's recipes have 4 on CIFAR and 1 on ImageNet; z-scores have 2 and a weight of 9.
        loss_weight: Factor on the result.
        standardise: Whether logits are compared by their z-scores; networks with a softmax only, and a teacher that knows all classes.

    Shapes:
        student, teacher: `Outputs` with logits (N, K), and perhaps `scores`, 'softmax' or 'sigmoid'.
        target: Ignored.
        returns: ().

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.eye(3), torch.eye(3)), Outputs((), torch.eye(3), 2 * torch.eye(3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.KDLoss', tau=4.0, loss_weight=0.9))
        >>> round(loss(student, teacher).item(), 4)
        0.1103
    """

    scores: tuple[str, ...] = ('softmax', 'sigmoid')

    def __init__(self, tau: float = 1.0, loss_weight: float | str = 1.0, standardise: bool = False) -> None:
        super().__init__(loss_weight)
        check_tau('KDLoss', tau)
        self.tau = tau
        self.standardise = standardise
        self.takes_unmapped = not standardise
        if standardise:  # a sigmoid's logit says something by itself, which its z-score among the others does not
            self.scores = ('softmax',)

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        if getattr(student, 'scores', 'softmax') == 'sigmoid' and not self.standardise:
            return self.loss_weight * binary_kd_loss(student.logits, teacher.logits, self.tau)
        return self.loss_weight * kd_loss(student.logits, teacher.logits, self.tau, self.standardise)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'tau={self.tau}, loss_weight={self.loss_weight}, standardise={self.standardise}'
