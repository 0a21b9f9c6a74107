"""CWD, channel-wise distillation: divergence of each channel's softmax over places. N samples, C channels."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .map_pairs import MapPairsLoss, as_pairs
from .numerics import at_least_float32, check_tau, divergence, log_probabilities

_READS = {'stages': ('stages',), 'logits': ('logit_map',)}


def cwd_loss(student: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor], tau: float) -> Tensor:
    r"""Divergence of each channel's softmax over places, a mean over samples and channels; **summed** over levels.

    .. math:: \sum_l \frac{\tau^2}{N C} \sum_{n, c} \mathrm{KL}(\phi(t_{l,n,c} / \tau) \,\|\, \phi(s_{l,n,c} / \tau))

    with phi the softmax over the H W places of a channel. A channel's level does not matter, its peaks do.

    Args:
        student: A map (N, C, H, W), or one for each level.
        teacher: Maps of the same shapes; no gradient reaches them.
        tau: Temperature > 0; a higher one looks at more places.

    Returns:
        () nats per channel times tau^2, float32 or better; grows with neither N nor C, but with the number of levels.

    Raises:
        ValueError: tau <= 0, no maps, another number of them, or a level whose two shapes differ.

    Source: Shu et al. 2021, arXiv:2011.13256, sec. 3.

    Example:
        >>> import torch
        >>> teacher = torch.eye(4).reshape(1, 1, 4, 4)
        >>> cwd_loss(teacher + 3.0, teacher, tau=1.0).abs() < 1e-6  # a channel's level does not matter
        tensor(True)
        >>> round(cwd_loss(torch.zeros(1, 1, 4, 4), teacher, tau=1.0).item(), 4)
        0.118
    """
    check_tau('cwd_loss', tau)
    pairs = as_pairs('cwd_loss', student, teacher)
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        values = [divergence(_log_places(t.detach(), tau), _log_places(s, tau)).mean() for s, t in pairs]
        return torch.stack(values).sum() * tau**2


def _log_places(x: Tensor, tau: float) -> Tensor:
    """(N, C, H W) log-probabilities of the places of each channel."""
    return log_probabilities(at_least_float32(x).flatten(2) / tau)


@MODELS.register_module()
class CWDLoss(MapPairsLoss):
    """`cwd_loss` between the stages of two networks, in detection between their FPNs' maps; or between the logits of segmentors.

    Stages are paired, widened and resized as `MapPairsLoss` says, and so are the two maps of logits.

    Args:
        tau: Temperature > 0. The paper has 4, with weights of 50 for maps and 3 for logits.
        loss_weight: Factor on the result.
        of: 'stages', or 'logits', the map of class scores that a segmentor's decode head gives before it is resized.
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all.

    Raises:
        ValueError: tau <= 0, another `of`, or stages that are named where logits are compared.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student = Outputs((torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)), torch.randn(2, 16), torch.randn(2, 3))
        >>> teacher = Outputs((torch.randn(2, 32, 8, 8), torch.randn(2, 64, 4, 4)), torch.randn(2, 64), torch.randn(2, 3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.CWDLoss', tau=4.0, loss_weight=50.0))
        >>> [row[:3] for row in loss.build_for(student, teacher)]  # a distiller does this
        [('stage 0 -> 0', '8x8x8', '32x8x8'), ('stage 1 -> 1', '16x4x4', '64x4x4')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    def __init__(
        self,
        tau: float = 1.0,
        loss_weight: float | str = 1.0,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
        of: str = 'stages',
    ) -> None:
        super().__init__(loss_weight, student_stages, teacher_stages)
        check_tau('CWDLoss', tau)
        if of not in _READS or of == 'logits' and (student_stages, teacher_stages) != (None, None):
            raise ValueError(
                f"CWDLoss needs of to be 'stages' or 'logits', and stages to choose from for 'stages' alone, got of={of!r}, "
                f'student_stages={student_stages} and teacher_stages={teacher_stages}.')
        self.tau = tau
        self.compares = _READS[of]

    def maps_of(self, outputs: Any) -> Sequence[Tensor]:
        """The stages, or the map of the logits."""
        return outputs.stages if self.reads('stages') else (outputs.logit_map,)

    def compare(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """`cwd_loss`."""
        return cwd_loss(student, teacher, self.tau)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'tau={self.tau}, compares={self.compares[0]}, {super().extra_repr()}'
