"""ND loss (KD++): norm and direction of the embedding. N samples, K classes, D embedding width."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from mmkd_ext.errors import check_numbers, check_whole
from mmkd_ext.registry import MODELS

from .adapter import Adapter
from .base import ClassMeansLoss, NetworkOutputs
from .numerics import at_least_float32


def nd_loss(student: Tensor, teacher: Tensor, target: Tensor, means: Tensor) -> Tensor:
    r"""Pull the student's embedding along the teacher's class mean until it is as long as the teacher's.

    .. math:: \frac1N \sum_n 1 - \frac{\langle s_n, e_{y_n} \rangle}{\max(\|s_n\|, \|t_n\|)}, \quad e_y = c_y / \|c_y\|

    The student's norm keeps its gradient and wins ties. The paper has no epsilon and neither has this; instead, where
    the formula has no value (both embeddings zero, or a zero class mean) the sample counts 1 and sends no gradient.

    Args:
        student: (N, D) embeddings, projected to the teacher's width if need be.
        teacher: (N, D) embeddings of the same samples; no gradient reaches them.
        target: (N,) integer labels, or (N, K) soft labels, whose coefficients mix the class means (DeiT++).
        means: (K, D) the teacher's class means c, as `ClassMeansHook` makes them; no gradient reaches them.

    Returns:
        () in [0, 2], float32 or better; grows with neither N nor D.

    Raises:
        ValueError: Embeddings not of one shape (N, D), means not (K, D), or target neither (N,) integers nor (N, K).

    Source: Wang et al. 2023, arXiv:2305.17007, eq. 5-7 and the public code; soft labels from its DeiT code.

    Example:
        >>> import torch
        >>> means = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> student, teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]])
        >>> nd_loss(student, teacher, torch.tensor([0, 1]), means)  # half as long as the teacher, and at a right angle
        tensor(0.7500)
    """
    _check(student, teacher, target, means)
    with torch.autocast(student.device.type, enabled=False):
        s = at_least_float32(student)
        t = teacher.detach().to(s.dtype)
        centres = means.detach().to(s.dtype)
        # index_select, because means[-1] would take an ignored label for the last class
        centres = target.to(s.dtype) @ centres if target.ndim == 2 else centres.index_select(0, target.long())
        return _Misalignment.apply(s, t, centres).mean()


class _Misalignment(torch.autograd.Function):
    """1 - <s, c> / (|c| max(|s|, |t|)) per sample, with its gradient to s by hand.

    The gradient is one combination of s and c per sample. Autograd would pass over the batch ten times for it, and it
    is fresh memory of the batch's size that costs: here one buffer forward and one backward. Differentiable once.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, s: Tensor, t: Tensor, c: Tensor) -> Tensor:
        # Scaling s and t alike changes nothing, and keeps the squares of very long or short embeddings in range.
        scale = _nonzero(torch.maximum(_largest(s), _largest(t)))
        buffer = t / scale
        t_norm = torch.linalg.vector_norm(buffer, dim=1, keepdim=True)
        torch.div(s, scale, out=buffer)
        s_norm = torch.linalg.vector_norm(buffer, dim=1, keepdim=True)
        c_norm = torch.linalg.vector_norm(c, dim=1, keepdim=True)
        teacher_is_longer = t_norm > s_norm
        length = torch.where(teacher_is_longer, t_norm, s_norm) * c_norm
        undefined = length == 0
        length = _nonzero(length)
        share = buffer.mul_(c).sum(dim=1, keepdim=True) / length
        along_s = (share / _nonzero(s_norm.square())).masked_fill(teacher_is_longer | undefined, 0.0)
        along_c = (-1 / length).masked_fill(undefined, 0.0)
        ctx.save_for_backward(s, c, scale, along_s, along_c)
        return (1 - share).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        s, c, scale, along_s, along_c = ctx.saved_tensors
        grad = grad.unsqueeze(1) / scale
        return (s / scale).mul_(along_s * grad).addcmul_(c, along_c * grad), None, None


@torch.no_grad()
def _diagnostics(student: Tensor, teacher: Tensor, target: Tensor, means: Tensor) -> dict[str, Tensor]:
    """Batch means of the (projected) student's norm, and of both networks' cosine to the class mean."""
    means = means.float()
    centres = target.float() @ means if target.ndim == 2 else means[target.long()]
    student = student.float()
    return {
        'student_norm': torch.linalg.vector_norm(student, dim=1).mean(),
        'student_cosine': torch.cosine_similarity(student, centres, dim=1).mean(),
        'teacher_cosine': torch.cosine_similarity(teacher.float(), centres, dim=1).mean(),
    }


def _largest(x: Tensor) -> Tensor:
    """The largest magnitude in each row; two plain reductions are faster than abs or an infinity norm."""
    return torch.maximum(x.amax(dim=1, keepdim=True), -x.amin(dim=1, keepdim=True))


def _nonzero(x: Tensor) -> Tensor:
    """A divisor: 0 becomes 1, and a NaN stays."""
    return x.masked_fill(x == 0, 1.0)


def _check(student: Tensor, teacher: Tensor, target: Tensor, means: Tensor) -> None:
    if student.shape != teacher.shape or student.ndim != 2 or 0 in student.shape:
        raise ValueError(
            'nd_loss needs student and teacher embeddings of one shape (N, D), N and D > 0, got '
            f'{tuple(student.shape)} and {tuple(teacher.shape)}. Where widths differ, NDLoss projects the student.')
    if means.ndim != 2 or means.shape[1] != student.shape[1]:
        raise ValueError(
            f'nd_loss needs class means (K, {student.shape[1]}) for embeddings {tuple(student.shape)}, got '
            f'{tuple(means.shape)}. Were they made with another teacher?')
    hard = target.shape == student.shape[:1] and not target.is_floating_point()
    if not hard and target.shape != (len(student), len(means)):
        raise ValueError(
            f'nd_loss needs integer labels ({len(student)},) or soft labels ({len(student)}, {len(means)}), one column '
            f'per class mean, got {tuple(target.shape)} of {target.dtype} for class means {tuple(means.shape)}.')


@MODELS.register_module()
class NDLoss(ClassMeansLoss):
    """`nd_loss` between two networks' embeddings, with a projection where their widths differ.

    The projection (BatchNorm, Dropout, Linear) feeds this loss only. It is made by `build_for`, which looks at one
    output of each network, or at once from explicit widths. The class means come from `set_class_means`. A batch of one
    sample, which has no variance, is projected with the BatchNorm's running statistics, which it does not change.

    Args:
        loss_weight: Factor on the result.
        student_channels: Width of the student's embedding; None leaves it to `build_for`.
        teacher_channels: Width of the teacher's embedding; None leaves it to `build_for`.
        dropout: Rate of the projection's dropout.

    Shapes:
        student, teacher: `Outputs` with embeddings (N, D_s) and (N, D_t).
        target: (N,) integer or (N, K) soft labels.
        returns: (). NaN on a GPU where a sample is of a class without a mean, which a CPU refuses.

    Raises:
        ValueError: Only one of the two widths is given, or a sample of a class without a mean.
        RuntimeError: Called before the class means were set.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student, teacher = Outputs((), torch.randn(8, 16), torch.randn(8, 3)), Outputs((), torch.randn(8, 64), torch.randn(8, 3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.NDLoss', loss_weight=2.0))
        >>> loss.build_for(student, teacher)  # a distiller does this
        [('embedding', '16', '64', 'BatchNorm, Dropout(0.5), Linear(16, 64)')]
        >>> loss.set_class_means(torch.randn(3, 64))  # ClassMeansHook does this
        >>> loss(student, teacher, torch.arange(8) % 3).shape
        torch.Size([])
    """

    scores = ('softmax', 'sigmoid')

    def __init__(
        self,
        loss_weight: float | str = 1.0,
        student_channels: int | None = None,
        teacher_channels: int | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(loss_weight)
        check_numbers('NDLoss', 0, 1, dropout=dropout)
        check_whole('NDLoss', student_channels=student_channels, teacher_channels=teacher_channels)
        if (student_channels is None) != (teacher_channels is None):
            raise ValueError(
                'NDLoss needs both student_channels and teacher_channels or neither, got '
                f'{student_channels} and {teacher_channels}.')
        self.dropout = dropout
        self.widths: tuple[int, int] | None = None
        self.projection: nn.Module = nn.Identity()
        if student_channels is not None and teacher_channels is not None:
            self._build(student_channels, teacher_channels)

    def _build(self, student_channels: int, teacher_channels: int) -> None:
        self.widths, self.means_width = (student_channels, teacher_channels), teacher_channels
        if student_channels != teacher_channels:
            self.projection = Adapter(
                nn.BatchNorm1d(student_channels),
                nn.Dropout(self.dropout),
                nn.Linear(student_channels, teacher_channels),
            )

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[tuple[str, str, str, str]]:
        """Size the projection by one output of each network; once, before the optimizer is made.

        Returns:
            One row (what, student's shape, teacher's shape, adapter) for the distiller's table.

        Raises:
            ValueError: Explicit widths that are not those of the networks.
        """
        s_width, t_width = student.embedding.shape[1], teacher.embedding.shape[1]
        if self.widths is None:
            self._build(s_width, t_width)
        elif self.widths != (s_width, t_width):
            raise ValueError(
                f'NDLoss was given student_channels={self.widths[0]} and teacher_channels={self.widths[1]}, but the '
                f'embeddings are {tuple(student.embedding.shape)} and {tuple(teacher.embedding.shape)}. '
                'Leave both out to have them found.')
        adapter = 'none' if s_width == t_width else f'BatchNorm, Dropout({self.dropout}), Linear({s_width}, {t_width})'
        return [('embedding', str(s_width), str(t_width), adapter)]

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor) -> Tensor:
        """Return the weighted loss."""
        means = self.means_on(student.embedding.device)
        embedding = self.projection(student.embedding)
        value = self.only_with_means(nd_loss(embedding, teacher.embedding, target, means), target)
        self.diagnostics = _diagnostics(embedding, teacher.embedding, target, means)
        return self.loss_weight * value

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        means = None if self.class_means is None else tuple(self.class_means.shape)
        return f'loss_weight={self.loss_weight}, widths={self.widths}, class_means={means}'
