"""ReviewKD: squared error between the student's fused maps and the teacher's. N samples, C channels."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_wholes
from mmkd_ext.registry import MODELS

from .base import DistillationLoss, NetworkOutputs
from .numerics import at_least_float32

_POOLED_SIZES = (4, 2, 1)


def hcl_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    r"""Hierarchical context loss: squared error of the maps and of their pooled versions, **summed** over levels.

    .. math:: \sum_l \frac{\sum_{k} 2^{-k} \mathrm{MSE}(\mathrm{pool}_k(s_l), \mathrm{pool}_k(t_l))}{\sum_k 2^{-k}}

    where pool_0 is the map itself and pool_1, pool_2, ... average it to 4x4, 2x2 and 1x1, as far as these are smaller.

    Args:
        student: Maps (N, C_l, H_l, W_l), one per level.
        teacher: Maps of the same shapes; no gradient reaches them.

    Returns:
        () float32 or better; a mean over samples, channels and places, grows with the number of levels.

    Raises:
        ValueError: No maps, another number of them, or a level whose two shapes differ.

    Source: Chen et al. 2021, arXiv:2104.09044, sec. 3.4, and its public code (the weights).

    Example:
        >>> import torch
        >>> student, teacher = [torch.zeros(2, 8, 4, 4), torch.zeros(2, 16, 2, 2)], [torch.ones(2, 8, 4, 4), torch.zeros(2, 16, 2, 2)]
        >>> hcl_loss(student, teacher)
        tensor(1.)
    """
    if len(student) != len(teacher) or len(student) == 0:
        raise ValueError(
            f'hcl_loss needs as many student as teacher maps, at least one, got {len(student)} and {len(teacher)}.')
    for level, (s, t) in enumerate(zip(student, teacher, strict=True)):
        if s.shape != t.shape or s.ndim != 4 or 0 in s.shape:
            raise ValueError(
                f'hcl_loss needs student and teacher maps of one shape (N, C, H, W), got at level {level} '
                f"{tuple(s.shape)} and {tuple(t.shape)}. ReviewKDLoss fuses maps into the teacher's shapes.")
    with torch.autocast(student[0].device.type, enabled=False):
        return torch.stack([_level(s, t) for s, t in zip(student, teacher, strict=True)]).sum()


def _level(student: Tensor, teacher: Tensor) -> Tensor:
    student = at_least_float32(student)
    difference = student - teacher.detach().to(student.dtype)
    total, weight, weights = difference.square().mean(), 1.0, 1.0
    for size in _POOLED_SIZES:
        if size < min(difference.shape[-2:]):
            weight /= 2
            weights += weight
            # pooling is linear: the difference of the pooled maps is the pooled difference
            total = total + weight * F.adaptive_avg_pool2d(difference, size).square().mean()
    return total / weights


@MODELS.register_module()
class ReviewKDLoss(DistillationLoss):
    """`hcl_loss` between the student's maps, fused from deep to shallow, and the teacher's.

    The fusion is trained with the student and thrown away. It is made by `build_for`, which looks at one output of each
    network, or at once from explicit widths. The last level is the embedding, as a map of one place.

    Args:
        loss_weight: Factor on the result.
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all. The paper compares with
            the teacher's maps before the ReLU: a CIFAR backbone with `pre_activation=True` has them.
        with_embedding: Whether the embedding is a last level; not in detection, where it belongs to RoIs.
        student_channels: Widths of the student's levels, the embedding included; None leaves them to `build_for`.
        teacher_channels: Widths of the teacher's levels; None leaves them to `build_for`.
        fusion: Config of the fusion; `in_channels` and `out_channels` are added.

    Shapes:
        student, teacher: `Outputs` with stages (N, C, H, W) and, with `with_embedding`, embeddings (N, D).
        target: Ignored.
        returns: ().

    Raises:
        ValueError: Stages that cannot be paired.
        RuntimeError: Called before the fusion was made.

    Example:
        >>> import torch
        >>> from mmkd_ext.models import Outputs
        >>> student = Outputs((torch.randn(2, 8, 8, 8), torch.randn(2, 16, 4, 4)), torch.randn(2, 16), torch.randn(2, 3))
        >>> teacher = Outputs((torch.randn(2, 32, 8, 8), torch.randn(2, 64, 4, 4)), torch.randn(2, 64), torch.randn(2, 3))
        >>> loss = MODELS.build(dict(type='mmkd_ext.ReviewKDLoss', loss_weight=0.6))
        >>> [row[:3] for row in loss.build_for(student, teacher)]  # a distiller does this
        [('stage 0', '8x8x8', '32x8x8'), ('stage 1', '16x4x4', '64x4x4'), ('embedding', '16x1x1', '64x1x1')]
        >>> loss(student, teacher).shape
        torch.Size([])
    """

    def __init__(
        self,
        loss_weight: float | str = 1.0,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
        with_embedding: bool = True,
        student_channels: Sequence[int] | None = None,
        teacher_channels: Sequence[int] | None = None,
        fusion: dict[str, Any] | None = None,
    ) -> None:
        self.compares = ('stages', 'embedding') if with_embedding else ('stages',)
        super().__init__(loss_weight)
        check_wholes('ReviewKDLoss', student_stages=student_stages, teacher_stages=teacher_stages)
        check_wholes('ReviewKDLoss', 1, student_channels=student_channels, teacher_channels=teacher_channels)
        if (student_channels is None) != (teacher_channels is None):
            raise ValueError(
                'ReviewKDLoss needs both student_channels and teacher_channels or neither, got '
                f'{student_channels} and {teacher_channels}.')
        self.student_stages = student_stages
        self.teacher_stages = teacher_stages
        self.with_embedding = with_embedding
        self.widths: tuple[list[int], list[int]] | None = None
        self.fusion: nn.Module | None = None
        self._fusion_config = dict(fusion or {'type': 'mmkd_ext.ReviewKDNeck'})
        if student_channels is not None and teacher_channels is not None:
            self._build(list(student_channels), list(teacher_channels))

    def _build(self, student_channels: list[int], teacher_channels: list[int]) -> None:
        self.widths = (student_channels, teacher_channels)
        # by its registered name: losses need nothing of the models
        widths = {'in_channels': student_channels, 'out_channels': teacher_channels}
        self.fusion = MODELS.build({**self._fusion_config, **widths})

    def _levels(self, who: str, outputs: NetworkOutputs, wanted: Sequence[int] | None) -> list[Tensor]:
        stages = list(outputs.stages)
        if wanted is not None:
            absent = [i for i in wanted if not -len(stages) <= i < len(stages)]
            if absent:
                raise ValueError(
                    f'ReviewKDLoss needs stages {list(wanted)} of the {who}, which has {len(stages)}: '
                    f'{[tuple(s.shape[1:]) for s in stages]}. Check {who}_stages and the out_indices of its backbone.')
            stages = [stages[i] for i in wanted]
        flat = [tuple(s.shape) for s in stages if s.ndim != 4]
        if flat:
            raise ValueError(f'ReviewKDLoss needs maps (N, C, H, W) as stages of the {who}, got {flat[0]}.')
        return [*stages, outputs.embedding[:, :, None, None]] if self.with_embedding else stages

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[tuple[str, str, str, str]]:
        """Size the fusion by one output of each network; once, before the optimizer is made.

        Returns:
            Rows (level, student's shape, teacher's shape, adapter) for the distiller's table.

        Raises:
            ValueError: Stages that cannot be paired, or explicit widths that are not those of the networks.
        """
        s_maps = self._levels('student', student, self.student_stages)
        t_maps = self._levels('teacher', teacher, self.teacher_stages)
        s_shapes = ['x'.join(map(str, m.shape[1:])) for m in s_maps]
        t_shapes = ['x'.join(map(str, m.shape[1:])) for m in t_maps]
        if len(s_maps) != len(t_maps) or not s_maps:
            raise ValueError(
                f'ReviewKDLoss needs one teacher level per student level, got {len(s_maps)} ({", ".join(s_shapes)}) '
                f'and {len(t_maps)} ({", ".join(t_shapes)}). Choose them with student_stages and teacher_stages.')
        widths = ([m.shape[1] for m in s_maps], [m.shape[1] for m in t_maps])
        if self.widths is None:
            self._build(*widths)
        elif self.widths != widths:
            raise ValueError(
                f'ReviewKDLoss was given student_channels={self.widths[0]} and teacher_channels={self.widths[1]}, but '
                f'the levels are {", ".join(s_shapes)} and {", ".join(t_shapes)}. Leave both out to have them found.')
        names = [f'stage {i}' for i in (self.student_stages or range(len(s_maps) - self.with_embedding))]
        names += ['embedding'] if self.with_embedding else []
        return list(zip(names, s_shapes, t_shapes, [type(self.fusion).__name__] * len(names), strict=True))

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        if self.fusion is None:
            raise RuntimeError(
                'ReviewKDLoss needs its fusion before the first step: call build_for with one output of each network, '
                'or give student_channels and teacher_channels.')
        t_maps = self._levels('teacher', teacher, self.teacher_stages)
        sizes = [(m.shape[-2], m.shape[-1]) for m in t_maps]
        fused = self.fusion(self._levels('student', student, self.student_stages), sizes)
        return self.loss_weight * hcl_loss(fused, t_maps)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'loss_weight={self.loss_weight}, widths={self.widths}'
