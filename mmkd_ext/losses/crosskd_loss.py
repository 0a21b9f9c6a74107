"""CrossKD: a student's feature goes on through the teacher's head, to scores that follow the teacher's own. N images, C class scores."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_numbers
from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs, Row
from .map_pairs import as_pairs
from .numerics import at_least_float32

_LEAST = 1e-6  # of a teacher's highest score: of a teacher that is sure of nothing the sum would be 0


def crosskd_loss(crossed: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor], beta: float = 2.0) -> Tensor:
    r"""Quality focal loss of each yes or no, **summed** over places, classes and levels, by the teacher's own certainty.

    .. math:: \frac{\sum_{l, n, c, i, j} |q - p|^\beta \, \big(-q \ln p - (1 - q) \ln (1 - p)\big)}{\sum_{l, n, i, j} \max_c q}

    with q the sigmoid of the teacher's scores and p that of the crossed ones.

    Args:
        crossed: (N, C, H, W) raw scores that the teacher's convolutions make of the student's feature, or one for each level.
        teacher: The teacher's own, of the same shapes; no gradient reaches them.
        beta: How much less what is nearly right counts, >= 0.

    Returns:
        () nats by each place of which the teacher is sure, float32 or better; grows with C, neither with N nor with the places.

    Raises:
        ValueError: No maps, another number of them, or a level whose two shapes differ.

    Source: Wang et al. 2023, arXiv:2306.11369, sec. 3, from the paper's text alone. A reading: the quality focal loss for the distance of
    predictions, and the sum of the teacher's highest scores for the number of places that count.

    Example:
        >>> round(crosskd_loss(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 2.0)).item(), 4)  # q 0.8808, p 0.5
        0.1141
    """
    pairs = as_pairs('crosskd_loss', crossed, teacher)
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        total, sure = [], []
        for s, t in pairs:
            x, q = at_least_float32(s), at_least_float32(t.detach()).sigmoid()
            distance = (q - x.sigmoid()).abs() ** beta
            total.append((distance * F.binary_cross_entropy_with_logits(x, q, reduction='none')).sum())
            sure.append(q.amax(dim=1).clamp_min(_LEAST).sum())
        return torch.stack(total).sum() / torch.stack(sure).sum()


@MODELS.register_module()
class CrossKDLoss(DistillationLoss):
    """`crosskd_loss` of dense detectors: the feature before the last convolution of the student's tower goes through the teacher's.

    A 1x1 convolution takes the feature to the teacher's width where they differ; it is thrown away at export. The branch of boxes is
    left out.

    Args:
        loss_weight: Factor on the result.
        beta: Of `crosskd_loss`.

    Shapes:
        student, teacher: `Outputs` with a tower.
        target: Ignored.
        returns: ().

    Raises:
        ValueError: A `loss_weight` or `beta` that is no number of 0 or more, or towers whose scores differ in number.

    Example:
        >>> from mmkd_ext.models import Outputs
        >>> from mmkd_ext.models.outputs.tower import Tower
        >>> def said(score):  # one place, one class
        ...     tower = Tower((torch.zeros(1, 4, 1, 1), ), (torch.full((1, 1, 1, 1), score), ), (lambda x: x[:, :1], ))
        ...     return Outputs((), torch.zeros(2, 8), torch.zeros(2, 3), tower=tower)
        >>> loss = MODELS.build(dict(type='mmkd_ext.CrossKDLoss'))
        >>> round(loss(said(0.0), said(2.0)).item(), 4)
        0.1141
    """

    compares = 'tower'

    def __init__(self, loss_weight: float = 1.0, beta: float = 2.0) -> None:
        super().__init__(loss_weight)
        check_numbers('CrossKDLoss', beta=beta)
        self.beta = beta
        self.adapter: nn.Module = nn.Identity()

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Make the adapter."""
        mine, theirs = _tower(student), _tower(teacher)
        scores = [x.scores[0].shape[1] for x in (mine, theirs)]
        if scores[0] != scores[1]:
            raise ValueError(
                f'CrossKDLoss follows the class scores of each place, got {scores[0]} of the student and {scores[1]} of the teacher '
                '(anchors times classes). Look at num_classes and at the anchor_generator of both bbox_heads.')
        widths = [x.features[0].shape[1] for x in (mine, theirs)]
        if widths[0] == widths[1]:
            return []
        self.adapter = nn.Conv2d(widths[0], widths[1], 1)
        return [('tower', str(widths[0]), str(widths[1]), f'conv 1x1 {tuple(widths)}')]

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the loss times `loss_weight`."""
        theirs = _tower(teacher)
        crossed = [end(self.adapter(x)) for x, end in zip(_tower(student).features, theirs.ends, strict=True)]
        return self.loss_weight * crosskd_loss(crossed, theirs.scores, self.beta)


def _tower(said: Any) -> Any:
    return said.tower
