"""Hard-label distillation: cross-entropy with the class that the teacher predicts. N samples, K classes."""

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_logits, log_probabilities


def hard_kd_loss(student: Tensor, teacher: Tensor) -> Tensor:
    r"""Cross-entropy with the class that the teacher prefers.

    .. math:: -\frac1N \sum_n \log p_{n, \arg\max_k z^t_{n,k}}

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits; no gradient reaches them.

    Returns:
        () nats per sample, float32 or better; grows with neither N nor K.

    Raises:
        ValueError: Logits not of one shape (N, K).

    Source: Touvron et al. 2021, arXiv:2012.12877, eq. 3, without its factor of one half.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 2.0, 4.0]])
        >>> round(hard_kd_loss(student, teacher).item(), 4)
        0.4076
    """
    check_logits('hard_kd_loss', student, teacher)
    with torch.autocast(student.device.type, enabled=False):
        decisions = teacher.detach().argmax(dim=1, keepdim=True)
        return -log_probabilities(at_least_float32(student)).gather(1, decisions).mean()


@MODELS.register_module()
class HardKDLoss(DistillationLoss):
    """`hard_kd_loss` between two networks' logits, of the student's distillation token where it has one (DeiT).

    Args:
        loss_weight: Factor on the result.

    Shapes:
        student, teacher: `Outputs` with logits (N, K), and perhaps `token_logits` (N, K).
        target: Ignored.
        returns: ().

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.eye(3), torch.eye(3)), Outputs((), torch.eye(3), 2 * torch.eye(3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.HardKDLoss', loss_weight=0.5))
        >>> round(loss(student, teacher).item(), 4)
        0.2757
    """

    scores = ('softmax',)

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        token = getattr(student, 'token_logits', None)
        return self.loss_weight * hard_kd_loss(student.logits if token is None else token, teacher.logits)
