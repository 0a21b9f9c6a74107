"""TESKD's two terms of each student: divergence and feature distance. N samples, K classes, D channels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .numerics import at_least_float32, check_tau


def teskd_kl(student: Tensor, teacher: Tensor, tau: float, detach_teacher: bool = False) -> Tensor:
    r"""Divergence of a student from the teacher that it helps.

    .. math:: \frac{\tau^2}{N} \sum_n \sum_k (q_k + \epsilon) (\log(q_k + \epsilon) - \log p_k), \quad \epsilon = 10^{-7}

    with q the teacher's and p the student's distribution at temperature tau.

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits. By default **not** a constant: its gradient is how the students teach the teacher.
        tau: Temperature > 0.
        detach_teacher: Whether the target is a constant, as in ordinary distillation.

    Returns:
        () nats per sample times tau^2, float32 or better.

    Raises:
        ValueError: tau <= 0, or logits not of one shape (N, K).

    Source: TESKD, arXiv:2110.00329, and its public code (the 1e-7 is the code's).

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(teskd_kl(student, teacher, tau=2.0).item(), 4)
        0.2411
    """
    if student.shape != teacher.shape or student.ndim != 2:
        raise ValueError(
            'teskd_kl needs student and teacher logits of one shape (N, K), got '
            f'{tuple(student.shape)} and {tuple(teacher.shape)}. Do both classifiers have the same num_classes?')
    check_tau('teskd_kl', tau)
    with torch.autocast(student.device.type, enabled=False):
        log_p = F.log_softmax(at_least_float32(student) / tau, dim=1)
        target = F.softmax(at_least_float32(teacher.detach() if detach_teacher else teacher) / tau, dim=1) + 1e-7
        return (target * (target.log() - log_p)).sum() * (tau**2 / len(student))


def teskd_feature_loss(student: Tensor, teacher: Tensor) -> Tensor:
    r"""Squared distance to the teacher's pooled feature, **summed** over samples and channels.

    The sum is the paper's code; its weight of 1e-7 goes with it, and it is why this term grows with the batch.

    Args:
        student: (N, D) pooled feature.
        teacher: (N, D) pooled feature; no gradient reaches it.

    Returns:
        () float32 or better.

    Raises:
        ValueError: features not of one shape.

    Source: TESKD, arXiv:2110.00329, and its public code.

    Example:
        >>> import torch
        >>> teskd_feature_loss(torch.zeros(2, 8), torch.ones(2, 8))
        tensor(16.)
    """
    if student.shape != teacher.shape:
        raise ValueError(
            'teskd_feature_loss needs pooled features of one shape (N, D), got '
            f'{tuple(student.shape)} and {tuple(teacher.shape)}.')
    with torch.autocast(student.device.type, enabled=False):
        return F.mse_loss(at_least_float32(student), at_least_float32(teacher.detach()), reduction='sum')
