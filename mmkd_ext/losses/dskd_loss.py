"""DSKD's two distances of each supervised layer from the teacher: logits and maps. L layers, N samples, K classes, C channels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .numerics import at_least_float32, check_tau, divergence, log_probabilities


def layer_kd_losses(student: Sequence[Tensor], teacher: Tensor, tau: float) -> Tensor:
    r"""Divergence of every layer's prediction from the teacher's, all layers in one stacked computation.

    .. math:: \frac{\tau^2}{N} \sum_n \mathrm{KL}(q_n^\tau \,\|\, p_{l,n}^\tau), \quad l = 1 \dots L

    Args:
        student: L raw logits (N, K), one of each layer.
        teacher: (N, K) raw logits; no gradient reaches them.
        tau: Temperature > 0.

    Returns:
        (L,) nats per sample times tau^2, float32 or better; each is `kd_loss` of that layer.

    Raises:
        ValueError: tau <= 0, no layer, or logits not all of the teacher's shape (N, K).

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[0.0, 2.0]])
        >>> layer_kd_losses([teacher, torch.zeros(1, 2)], teacher, tau=1.0).round(decimals=4)
        tensor([0.0000, 0.3278])
    """
    check_tau('layer_kd_losses', tau)
    if not student:
        raise ValueError(f'layer_kd_losses needs logits of at least one layer, got none for {tuple(teacher.shape)}.')
    for layer, logits in enumerate(student):
        if logits.shape != teacher.shape or logits.ndim != 2 or 0 in logits.shape:
            raise ValueError(
                'layer_kd_losses needs student and teacher logits of one shape (N, K), N and K > 0, got at layer '
                f'{layer} {tuple(logits.shape)} and {tuple(teacher.shape)}. Do both have the same num_classes?')
    with torch.autocast(teacher.device.type, enabled=False):
        log_p = log_probabilities(at_least_float32(torch.stack(list(student))) / tau)
        log_q = log_probabilities(at_least_float32(teacher.detach()) / tau)
        return divergence(log_q, log_p).mean(dim=1) * tau**2


def layer_map_losses(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Squared distance of every layer's map from its target; where sizes differ, the larger is averaged to the smaller.

    Args:
        student: L maps (N, C_l, H_l, W_l), as wide as their targets.
        teacher: L maps (N, C_l, h_l, w_l), the same tensor several times or not; no gradient reaches them.

    Returns:
        (L,) means over samples, channels and places, float32 or better.

    Raises:
        ValueError: No maps, another number of them, or a layer whose samples or channels differ.

    Example:
        >>> import torch
        >>> teacher = torch.ones(2, 8, 4, 4)
        >>> layer_map_losses([torch.zeros(2, 8, 8, 8), teacher], [teacher, teacher])  # the larger map is averaged to the smaller
        tensor([1., 0.])
    """
    if len(student) != len(teacher) or not student:
        raise ValueError(
            f'layer_map_losses needs as many student as teacher maps, at least one, got {len(student)} and '
            f'{len(teacher)}.')
    for layer, (s, t) in enumerate(zip(student, teacher, strict=True)):
        if s.ndim != 4 or t.ndim != 4 or s.shape[:2] != t.shape[:2] or 0 in (*s.shape, *t.shape):
            raise ValueError(
                'layer_map_losses needs student and teacher maps (N, C, H, W) of one N and C, got at layer '
                f'{layer} {tuple(s.shape)} and {tuple(t.shape)}. DSKDHead takes the student to the teacher\'s width.')
    with torch.autocast(student[0].device.type, enabled=False):
        return torch.stack([_squared_error(s, t) for s, t in zip(student, teacher, strict=True)])


def _squared_error(student: Tensor, teacher: Tensor) -> Tensor:
    student = at_least_float32(student)
    teacher = teacher.detach().to(student.dtype)
    size = common_size(student, teacher)
    return F.mse_loss(pooled(student, size), pooled(teacher, size))


def common_size(a: Tensor, b: Tensor) -> tuple[int, int]:
    """Height and width to which both maps can be averaged."""
    return min(a.shape[-2], b.shape[-2]), min(a.shape[-1], b.shape[-1])


def pooled(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The map averaged to `size`."""
    height, width = x.shape[-2:]
    if (height, width) == size:
        return x
    if height % size[0] or width % size[1]:
        return F.adaptive_avg_pool2d(x, size)
    return F.avg_pool2d(x, (height // size[0], width // size[1]))  # the same windows, several times faster
