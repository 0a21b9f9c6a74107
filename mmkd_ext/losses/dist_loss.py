"""DIST: correlation of predictions, within each sample and within each class. N samples, K classes."""

import torch
from torch import Tensor

from mmkd_ext.errors import check_numbers
from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32, check_logits, check_tau

_EPS = 1e-8  # of the published code; it is felt where predictions hardly vary, so it is part of the value


def dist_loss(student: Tensor, teacher: Tensor, tau: float, beta: float = 1.0, gamma: float = 1.0) -> Tensor:
    r"""One minus Pearson's correlation, within each sample's prediction and within each class over the batch.

    .. math:: \tau^2 \Big[ \beta \big(1 - \tfrac1N \sum_n \rho(p_{n,:}, q_{n,:})\big)
              + \gamma \big(1 - \tfrac1K \sum_k \rho(p_{:,k}, q_{:,k})\big) \Big]

    A row or column that is constant up to rounding (a zero-initialised head, a batch of one) correlates with nothing:
    its rho is 0 and it sends no gradient, where the formula alone would send one of 1e8. The relations within a class are
    those of one process's batch, as BatchNorm's statistics are: neither processes nor `accumulative_counts` make it larger.

    Args:
        student: (N, K) raw logits.
        teacher: (N, K) raw logits; no gradient reaches them.
        tau: Temperature > 0 of both softmaxes.
        beta: Weight of the relations between classes (rows).
        gamma: Weight of the relations within a class (columns).

    Returns:
        () in [0, 2 (beta + gamma) tau^2], float32 or better.

    Raises:
        ValueError: tau <= 0, or logits not of one shape (N, K).

    Source: Huang et al. 2022, arXiv:2205.10536, eq. 6-10; the factor tau^2 is that of the public code.

    Example:
        >>> import torch
        >>> student, teacher = torch.eye(3), 2 * torch.eye(3)
        >>> round(dist_loss(student, teacher, tau=1.0).item(), 4)  # they correlate
        0.0
        >>> round(dist_loss(student, -teacher, tau=1.0).item(), 4)
        4.0
    """
    check_logits('dist_loss', student, teacher)
    check_tau('dist_loss', tau)
    with torch.autocast(student.device.type, enabled=False):
        p = (at_least_float32(student) / tau).softmax(dim=1)
        q = (at_least_float32(teacher.detach()) / tau).softmax(dim=1)
        inter = 1 - _correlation(p, q, dim=1).mean()
        intra = 1 - _correlation(p, q, dim=0).mean()
        return (beta * inter + gamma * intra) * tau**2


def _correlation(a: Tensor, b: Tensor, dim: int) -> Tensor:
    a_centred, a_size, a_flat = _centre(a, dim)
    b_centred, b_size, b_flat = _centre(b, dim)
    return ((a_centred * b_centred).sum(dim) / (a_size * b_size + _EPS)).masked_fill(a_flat | b_flat, 0.0)


def _centre(x: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Deviations from the mean, their norm, and whether they are rounding only."""
    centred = x - x.mean(dim, keepdim=True)
    size = torch.linalg.vector_norm(centred, dim=dim)
    flat = size <= 8 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(x.detach(), dim=dim)
    return centred, size, flat


@MODELS.register_module()
class DISTLoss(DistillationLoss):
    """`dist_loss` between two networks' logits.

    Args:
        tau: Temperature > 0.
        beta: Weight of the relations between classes.
        gamma: Weight of the relations within a class.
        loss_weight: Factor on the result.

    Shapes:
        student, teacher: `Outputs` with logits (N, K).
        target: Ignored.
        returns: ().

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.eye(3), torch.eye(3)), Outputs((), torch.eye(3), 2 * torch.eye(3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.DISTLoss', tau=4.0))
        >>> round(loss(student, teacher._replace(logits=teacher.logits.flip(0))).item(), 4)
        32.0
    """

    scores = ('softmax',)

    def __init__(self, tau: float = 1.0, beta: float = 1.0, gamma: float = 1.0, loss_weight: float | str = 1.0) -> None:
        super().__init__(loss_weight)
        check_tau('DISTLoss', tau)
        check_numbers('DISTLoss', beta=beta, gamma=gamma)
        self.tau = tau
        self.beta = beta
        self.gamma = gamma

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        return self.loss_weight * dist_loss(student.logits, teacher.logits, self.tau, self.beta, self.gamma)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'tau={self.tau}, beta={self.beta}, gamma={self.gamma}, loss_weight={self.loss_weight}'
