"""MapLoss: the student's maps follow the teacher's place by place, by cosine or smooth L1. N samples, C channels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmkd_ext.registry import MODELS

from .feature_distance import check_distance, feature_distance
from .map_pairs import MapPairsLoss, as_pairs


def map_loss(
    student: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor], by: str = 'cosine', beta: float = 1.0
) -> Tensor:
    r"""Distance of the student's maps from the teacher's, a mean over samples and places; **summed** over levels.

    .. math:: \sum_l \frac{1}{N H W} \sum_{n,p} \Big(1 - \frac{s_{l,n,p} \cdot t_{l,n,p}}{\|s_{l,n,p}\| \|t_{l,n,p}\|}\Big) \quad\text{or}
        \quad \sum_l \frac{1}{N C H W} \sum \mathrm{smooth}_\beta(s_l - t_l)

    Args:
        student: A map (N, C, H, W), or one for each level.
        teacher: Maps of the same shapes; no gradient reaches them.
        by: 'cosine' of the vectors at each place, in [0, 2], or 'smooth_l1'.
        beta: Of smooth L1: x^2 / (2 beta) below it, abs(x) - beta / 2 above it.

    Returns:
        () float32 or better; grows with the number of levels alone.

    Raises:
        ValueError: No maps, another number of them, a level whose two shapes differ, another `by`, or `beta` not above 0.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([3.0, 0.0]).reshape(1, 2, 1, 1), torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> map_loss(student, teacher).item(), map_loss(student, teacher, 'smooth_l1').item()
        (1.0, 1.5)
    """
    check_distance('map_loss', by, beta)
    pairs = as_pairs('map_loss', student, teacher)
    return torch.stack([feature_distance(s, t, by, beta) for s, t in pairs]).sum()


@MODELS.register_module()
class MapLoss(MapPairsLoss):
    """`map_loss` between the stages of two networks; of a backbone without a head its last map, of a transformer its patch tokens.

    Stages are paired, widened and resized as `MapPairsLoss` says.

    Args:
        by: 'cosine' or 'smooth_l1'.
        beta: Of smooth L1.
        loss_weight: Factor on the result.
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all.

    Raises:
        ValueError: Another `by`, or `beta` not above 0.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student = Outputs((torch.randn(2, 64, 7, 7),), torch.randn(2, 64), torch.randn(2, 0))
        >>> teacher = Outputs((torch.randn(2, 96, 16, 16),), torch.randn(2, 96), torch.randn(2, 0))
        >>> loss = MODELS.build(dict(type='mmkd_ext.MapLoss', by='smooth_l1', beta=0.5))
        >>> loss.build_for(student, teacher)  # a distiller does this
        [('stage 0 -> 0', '64x7x7', '96x16x16', 'conv 1x1 (64, 96), bilinear')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    def __init__(
        self,
        by: str = 'cosine',
        beta: float = 1.0,
        loss_weight: float = 1.0,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
    ) -> None:
        super().__init__(loss_weight, student_stages, teacher_stages)
        check_distance('MapLoss', by, beta)
        self.by, self.beta = by, beta

    def compare(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """`map_loss`."""
        return map_loss(student, teacher, self.by, self.beta)
