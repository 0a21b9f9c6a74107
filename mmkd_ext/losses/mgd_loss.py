"""MGD: from a part of its own map the student generates the whole of the teacher's. N samples, C channels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmkd_ext.errors import check_numbers
from mmkd_ext.registry import MODELS

from .base import NetworkOutputs, Row
from .map_pairs import MapPairsLoss, as_pairs
from .numerics import at_least_float32


def mgd_loss(student: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor]) -> Tensor:
    r"""Squared distance of generated maps from the teacher's, **summed** over channels, places and levels, a mean over samples.

    .. math:: \sum_l \frac1N \sum_{n, c, i, j} (t_{l} - g_{l})^2

    Args:
        student: A generated map (N, C, H, W), or one for each level.
        teacher: Maps of the same shapes; no gradient reaches them.

    Returns:
        () float32 or better; grows with channels, places and levels, so that weights are small.

    Raises:
        ValueError: No maps, another number of them, or a level whose two shapes differ.

    Source: Yang et al. 2022, arXiv:2205.01529, sec. 3.

    Example:
        >>> import torch
        >>> mgd_loss(torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)).item()
        48.0
    """
    pairs = as_pairs('mgd_loss', student, teacher)
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        values = [(at_least_float32(t.detach()) - at_least_float32(s)).square().sum() / len(s) for s, t in pairs]
        return torch.stack(values).sum()


def masked(x: Tensor, mask_ratio: float) -> Tensor:
    """A map (N, C, H, W) whose places are 0, in all channels, with a probability of `mask_ratio`, by torch's generator."""
    kept = torch.rand(len(x), 1, *x.shape[2:], device=x.device) >= mask_ratio
    return x * kept


@MODELS.register_module()
class MGDLoss(MapPairsLoss):
    """`mgd_loss` of maps that two convolutions generate from the student's masked ones, in detection from its FPN's maps.

    Stages are paired, widened and resized as `MapPairsLoss` says; then random places are masked, and conv 3x3, ReLU, conv 3x3 generate
    the teacher's map. The convolutions are trained with the student and thrown away at export. Masks come from torch's generator, so
    that a resumed run draws those that it would have drawn.

    Args:
        mask_ratio: The paper's lambda, how many of the places are masked, 0 or more and below 1; public
            configs have 0.65 for one-stage and 0.45 for two-stage detectors.
        loss_weight: Factor on the result, small since that is a sum; theirs are 2e-5 and 5e-7 there (read from repositories,
            not from the paper).
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = (Outputs((torch.ones(2, c, 4, 4),), torch.ones(2, c), torch.ones(2, 5)) for c in (8, 16))
        >>> loss = MODELS.build(dict(type='mmkd_ext.MGDLoss'))
        >>> [row[1:3] for row in loss.build_for(student, teacher)]
        [('8x4x4', '16x4x4')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    def __init__(
        self,
        mask_ratio: float = 0.65,
        loss_weight: float | str = 2e-5,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
    ) -> None:
        super().__init__(loss_weight, student_stages, teacher_stages)
        check_numbers('MGDLoss', 0, 1, mask_ratio=mask_ratio)
        self.mask_ratio = mask_ratio
        self.generators = nn.ModuleList()

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """As `MapPairsLoss`; the convolutions that generate, too."""
        rows = super().build_for(student, teacher)
        widths = [teacher.stages[j].shape[1] for _, j in self.pairs or ()]
        self.generators = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, c, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(c, c, 3, padding=1)) for c in widths)
        says = [f'mask {self.mask_ratio}, conv 3x3, 3x3 ({c})' for c in widths]
        return [(*row[:3], say if row[3] == 'none' else f'{row[3]}, {say}') for row, say in zip(rows, says, strict=True)]

    def compare(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """`mgd_loss` of what is generated."""
        generated = [generate(masked(x, self.mask_ratio)) for generate, x in zip(self.generators, student, strict=True)]
        return mgd_loss(generated, teacher)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'mask_ratio={self.mask_ratio}, {super().extra_repr()}'
