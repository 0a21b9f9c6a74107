"""EmbeddingLoss: the student's embedding follows the teacher's, by cosine or smooth L1. N samples, D channels."""

from torch import Tensor, nn

from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs, Row
from .feature_distance import check_distance, feature_distance


def embedding_loss(student: Tensor, teacher: Tensor, by: str = 'cosine', beta: float = 1.0) -> Tensor:
    r"""Distance of the student's embeddings from the teacher's, a mean over samples, and with smooth L1 over channels too.

    .. math:: \frac1N \sum_n \Big(1 - \frac{s_n \cdot t_n}{\|s_n\| \|t_n\|}\Big) \quad\text{or}\quad
        \frac{1}{N D} \sum_{n,d} \mathrm{smooth}_\beta(s_{n,d} - t_{n,d})

    Args:
        student: (N, D) embeddings.
        teacher: (N, D) embeddings of the same samples; no gradient reaches them.
        by: 'cosine', in [0, 2] and blind to the lengths of both, or 'smooth_l1'.
        beta: Of smooth L1: x^2 / (2 beta) below it, abs(x) - beta / 2 above it.

    Returns:
        () float32 or better; grows with neither N nor D.

    Raises:
        ValueError: Embeddings not of one shape (N, D), another `by`, or `beta` not above 0.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> embedding_loss(student, teacher).item(), embedding_loss(student, teacher, 'smooth_l1').item()
        (1.0, 1.5)
    """
    check_distance('embedding_loss', by, beta)
    if student.shape != teacher.shape or student.ndim != 2 or 0 in student.shape:
        raise ValueError(
            'embedding_loss needs student and teacher embeddings of one shape (N, D), N and D > 0, got '
            f"{tuple(student.shape)} and {tuple(teacher.shape)}. EmbeddingLoss takes the student's to the teacher's width.")
    return feature_distance(student, teacher, by, beta)


@MODELS.register_module()
class EmbeddingLoss(DistillationLoss):
    """`embedding_loss` between two networks' embeddings; a linear layer takes the student's to the teacher's width where they differ.

    An embedding is what enters a classifier, and of a backbone without one its pooled token: a transformer's class token (or what timm
    pools of its tokens), a convolutional network's mean over places. The layer is thrown away at export.

    Args:
        by: 'cosine' or 'smooth_l1'.
        beta: Of smooth L1.
        loss_weight: Factor on the result.

    Shapes:
        student, teacher: `Outputs` with embeddings (N, D_s) and (N, D_t).
        target: Ignored.
        returns: ().

    Raises:
        ValueError: Another `by`, or `beta` not above 0.
        RuntimeError: Called before `build_for`.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = (Outputs((), torch.eye(2, width), torch.zeros(2, 0)) for width in (4, 6))
        >>> loss = MODELS.build(dict(type='mmkd_ext.EmbeddingLoss', by='cosine'))
        >>> loss.build_for(student, teacher)  # a distiller does this
        [('embedding', '4', '6', 'linear (4, 6)')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    compares = 'embedding'

    def __init__(self, by: str = 'cosine', beta: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        check_distance('EmbeddingLoss', by, beta)
        self.by, self.beta = by, beta
        self.adapter: nn.Module | None = None

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Size the adapter by one output of each network; once, before the optimizer is made."""
        mine, theirs = student.embedding.shape[1], teacher.embedding.shape[1]
        self.adapter = nn.Identity() if mine == theirs else nn.Linear(mine, theirs)
        return [('embedding', str(mine), str(theirs), 'none' if mine == theirs else f'linear ({mine}, {theirs})')]

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        if self.adapter is None:
            raise RuntimeError('EmbeddingLoss needs its adapter before the first step: call build_for with one output of each network.')
        return self.loss_weight * embedding_loss(self.adapter(student.embedding), teacher.embedding, self.by, self.beta)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'by={self.by!r}, beta={self.beta}, loss_weight={self.loss_weight}'
