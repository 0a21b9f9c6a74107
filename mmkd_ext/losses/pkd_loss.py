"""PKD: Pearson correlation of maps, channel by channel. N samples, C channels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .map_pairs import MapPairsLoss, as_pairs
from .numerics import at_least_float32, standardised

_OVER = (0, 2, 3)  # samples and places


def pkd_loss(student: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor]) -> Tensor:
    r"""Half the squared distance of maps that are standardised channel by channel: one minus Pearson's correlation; **summed** over levels.

    .. math:: \sum_l \frac{1}{2 N C H W} \sum (\hat s_l - \hat t_l)^2 = \sum_l \frac1C \sum_c \big(1 - \rho(s_{l,c}, t_{l,c})\big)

    A hat is a channel's deviation from its mean over samples and places, in units of its standard deviation. A channel that is constant
    up to rounding (a dead one) has only zeros there: it counts 1/2 beside one that is not, 0 beside another, and sends no gradient. The
    statistics are those of one process's batch, as BatchNorm's are.

    Args:
        student: A map (N, C, H, W), or one for each level.
        teacher: Maps of the same shapes; no gradient reaches them.

    Returns:
        () in [0, 2] for each level, float32 or better; a mean over channels, grows with the number of levels.

    Raises:
        ValueError: No maps, another number of them, or a level whose two shapes differ.

    Source: Cao et al. 2022, arXiv:2207.02039, sec. 3.

    Example:
        >>> import torch
        >>> teacher = torch.eye(4).reshape(1, 1, 4, 4)
        >>> round(abs(pkd_loss(3.0 * teacher + 1.0, teacher).item()), 4), round(pkd_loss(-teacher, teacher).item(), 4)
        (0.0, 2.0)
    """
    pairs = as_pairs('pkd_loss', student, teacher)
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        return torch.stack([_level(at_least_float32(s), at_least_float32(t.detach())) for s, t in pairs]).sum()


def _level(student: Tensor, teacher: Tensor) -> Tensor:
    return (standardised(student, _OVER) - standardised(teacher, _OVER)).square().mean() / 2


@MODELS.register_module()
class PKDLoss(MapPairsLoss):
    """`pkd_loss` between the stages of two networks, in detection between their FPNs' maps.

    Stages are paired, widened and resized as `MapPairsLoss` says.

    Args:
        loss_weight: Factor on the result; other libraries' detector configs have 6.
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student = Outputs((torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)), torch.randn(2, 16), torch.randn(2, 3))
        >>> teacher = Outputs((torch.randn(2, 32, 8, 8), torch.randn(2, 64, 4, 4)), torch.randn(2, 64), torch.randn(2, 3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.PKDLoss', loss_weight=6.0))
        >>> [row[:3] for row in loss.build_for(student, teacher)]  # a distiller does this
        [('stage 0 -> 0', '8x8x8', '32x8x8'), ('stage 1 -> 1', '16x4x4', '64x4x4')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    def compare(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """`pkd_loss`."""
        return pkd_loss(student, teacher)
