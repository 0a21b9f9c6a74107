"""DKD, decoupled knowledge distillation: one term for the true class, one for the others. N samples, K classes."""

import torch
from torch import Tensor

from mmkd_ext.errors import check_numbers
from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_logits, check_tau, divergence, log_probabilities, standardised


def dkd_loss(
    student: Tensor, teacher: Tensor, target: Tensor, tau: float, alpha: float, beta: float, standardise: bool = False
) -> Tensor:
    r"""Two divergences: of (true class, all others), and among the others.

    .. math:: \frac{\tau^2}{N} \sum_n
              \alpha\, \mathrm{KL}(b_n^q \,\|\, b_n^p) + \beta\, \mathrm{KL}(\hat q_n \,\|\, \hat p_n)

    with b = (p_y, 1 - p_y) and p-hat the distribution over the classes that are not y. Ordinary distillation is
    alpha = 1 and beta = 1 - q_y, which differs from sample to sample.

    Args:
        student: (N, K) raw logits, K >= 2.
        teacher: (N, K) raw logits; no gradient reaches them.
        target: (N,) integer labels. Soft labels have no one true class and are refused.
        tau: Temperature > 0.
        alpha: Weight of the true class (TCKD).
        beta: Weight of the others (NCKD).
        standardise: Whether each sample's logits are brought to mean 0 and variance 1 over the classes first.

    Returns:
        () nats per sample times tau^2, float32 or better; grows with neither N nor K.

    Raises:
        ValueError: tau <= 0, logits not of one shape (N, K), K < 2, or target not N integer labels.

    Source: Zhao et al. 2022, arXiv:2203.08679, eq. 7; `standardise`: Sun et al. 2024, arXiv:2403.01427, algorithms 1 and 2.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(dkd_loss(student, teacher, torch.tensor([2]), tau=4.0, alpha=1.0, beta=8.0).item(), 4)
        1.2038
    """
    check_logits('dkd_loss', student, teacher)
    check_tau('dkd_loss', tau)
    if student.shape[1] < 2:
        raise ValueError(f'dkd_loss needs at least two classes, got logits of shape {tuple(student.shape)}.')
    if target.shape != student.shape[:1] or target.is_floating_point():
        raise ValueError(
            f'dkd_loss needs integer labels of shape ({len(student)},), got {tuple(target.shape)} of {target.dtype}. '
            'Soft labels (mixup, CutMix) have no one true class to decouple: use KDLoss or train without them.')
    with torch.autocast(student.device.type, enabled=False):
        s, t = at_least_float32(student), at_least_float32(teacher.detach())
        if standardise:
            s, t = standardised(s, dim=1), standardised(t, dim=1)
        rest_of_student, others_of_student = _decouple(s / tau, target)
        rest_of_teacher, others_of_teacher = _decouple(t / tau, target)
        true_class = divergence(rest_of_teacher, rest_of_student)
        others = divergence(others_of_teacher, others_of_student)
        return (alpha * true_class + beta * others).mean() * tau**2


def _decouple(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of (true, any other), (N, 2), and among the others, (N, K) with 0 in the true class's place."""
    labels = target.long().unsqueeze(1)
    is_true = torch.zeros_like(logits, dtype=torch.bool).scatter(1, labels, True)
    others = logits.masked_fill(is_true, float('-inf'))
    true_logit = logits.gather(1, labels)
    binary = torch.cat([true_logit, others.logsumexp(dim=1, keepdim=True)], dim=1)
    # exp(0) = 1 times (0 - 0): the true class adds nothing to the divergence among the others
    return log_probabilities(binary), log_probabilities(others).masked_fill(is_true, 0.0)


@MODELS.register_module()
class DKDLoss(DistillationLoss):
    """`dkd_loss` between two networks' logits.

    Args:
        tau: Temperature > 0.
        alpha: Weight of the true class.
        beta: Weight of the other classes.
        loss_weight: Factor on the result.
        standardise: Whether logits are compared by their z-scores.

    Shapes:
        student, teacher: `Outputs` with logits (N, K).
        target: (N,) integer labels.
        returns: ().

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.eye(3), torch.eye(3)), Outputs((), torch.eye(3), 2 * torch.eye(3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.DKDLoss', beta=8.0))
        >>> round(loss(student, teacher, target=torch.arange(3)).item(), 4)
        0.1225
    """

    scores = ('softmax',)

    def __init__(
        self, tau: float = 4.0, alpha: float = 1.0, beta: float = 8.0, loss_weight: float | str = 1.0, standardise: bool = False
    ) -> None:
        super().__init__(loss_weight)
        check_tau('DKDLoss', tau)
        check_numbers('DKDLoss', alpha=alpha, beta=beta)
        self.tau = tau
        self.alpha = alpha
        self.beta = beta
        self.standardise = standardise
        self.takes_unmapped = not standardise

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor) -> Tensor:
        """Return the weighted loss."""
        value = dkd_loss(student.logits, teacher.logits, target, self.tau, self.alpha, self.beta, self.standardise)
        return self.loss_weight * value

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return (
            f'tau={self.tau}, alpha={self.alpha}, beta={self.beta}, loss_weight={self.loss_weight}, '
            f'standardise={self.standardise}')
