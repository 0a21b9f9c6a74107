"""VkD: the distance between a student's embedding, projected orthogonally, and its teacher's normalised one. N samples, D channels."""

import torch
from torch import Tensor, nn

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs, Row
from .numerics import at_least_float32, standardised
from .orthogonal_projection import OrthogonalProjection

NORMALISED = {'sample': 1, 'batch': 0}  # by the dimension over which


def vkd_loss(student: Tensor, teacher: Tensor, normalise: str | None = 'sample') -> Tensor:
    r"""Squared distance of the projected student's embedding from the teacher's standardised one, a mean over samples and channels.

    .. math:: \frac{1}{N D} \sum_n \| P s_n - \hat t_n \|^2

    Args:
        student: (N, D) embeddings, projected by a matrix with orthonormal columns.
        teacher: (N, D) embeddings of the same samples; no gradient reaches them.
        normalise: 'sample': each of the teacher's embeddings gets mean 0 and variance 1 over its channels, as by a layer norm;
            'batch': each channel over the samples of one process, which are all 0 for one sample; None: as it is.

    Returns:
        () float32 or better; grows with neither N nor D.

    Raises:
        ValueError: Embeddings not of one shape (N, D), or another `normalise`.

    Source: Miles et al. 2024, arXiv:2403.06213, sec. 3; which statistics standardise is our reading, and its whitening for generative
    tasks is left out.

    Example:
        >>> import torch
        >>> vkd_loss(torch.zeros(2, 4), torch.eye(2, 4), normalise=None).item()
        0.25
    """
    _check_normalise('vkd_loss', normalise)
    if student.shape != teacher.shape or student.ndim != 2 or 0 in student.shape:
        raise ValueError(
            'vkd_loss needs student and teacher embeddings of one shape (N, D), N and D > 0, got '
            f"{tuple(student.shape)} and {tuple(teacher.shape)}. VkDLoss projects the student's.")
    with torch.autocast(student.device.type, enabled=False):
        target = at_least_float32(teacher.detach())
        if normalise is not None:
            target = standardised(target, NORMALISED[normalise])
        return (at_least_float32(student) - target).square().mean()


def _check_normalise(owner: str, normalise: str | None) -> None:
    if normalise is not None and not (isinstance(normalise, str) and normalise in NORMALISED):
        raise ValueError(f"{owner} needs normalise of 'sample', 'batch' or None, got {normalise!r}.")


@MODELS.register_module()
class VkDLoss(DistillationLoss):
    """`vkd_loss` between two networks' embeddings, the student's through an `OrthogonalProjection`.

    The projection is trained with the student and thrown away at export. Since it can neither stretch nor mix channels at will, what
    the loss asks for has to be learned by the student itself.

    Args:
        normalise: Of the teacher's embedding: 'sample', 'batch' or None.
        loss_weight: Factor on the result.

    Shapes:
        student, teacher: `Outputs` with embeddings (N, D_s) and (N, D_t).
        target: Ignored.
        returns: ().

    Raises:
        ValueError: Another `normalise`.
        RuntimeError: Called before `build_for`.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = (Outputs((), torch.eye(2, width), torch.zeros(2, 5)) for width in (4, 6))
        >>> loss = MODELS.build(dict(type='mmkd_ext.VkDLoss'))
        >>> loss.build_for(student, teacher)
        [('embedding', '4', '6', 'orthogonal (4, 6)')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    compares = 'embedding'

    def __init__(self, normalise: str | None = 'sample', loss_weight: float | str = 1.0) -> None:
        super().__init__(loss_weight)
        _check_normalise('VkDLoss', normalise)
        self.normalise = normalise
        self.projection: nn.Module | None = None

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Size the projection by one output of each network; once, before the optimizer is made."""
        widths = student.embedding.shape[1], teacher.embedding.shape[1]
        self.projection = OrthogonalProjection(*widths)
        return [('embedding', str(widths[0]), str(widths[1]), f'orthogonal ({widths[0]}, {widths[1]})')]

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        if self.projection is None:
            raise RuntimeError('VkDLoss needs its projection before the first step: call build_for with one output of each network.')
        return self.loss_weight * vkd_loss(self.projection(student.embedding), teacher.embedding, self.normalise)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'normalise={self.normalise!r}, loss_weight={self.loss_weight}'
