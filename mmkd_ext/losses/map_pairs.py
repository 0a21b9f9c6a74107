"""Base class of losses between maps: pairs of stages, 1x1 convolutions to the teacher's width, and resizing. N samples, C channels."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.errors import check_wholes

from .base import DistillationLoss, NetworkOutputs, Row


class MapPairsLoss(DistillationLoss):
    """A loss between pairs of maps; a subclass defines `compare(student, teacher)`, a scalar for maps of one shape in each pair.

    `build_for` pairs the stages: in order where `student_stages` or `teacher_stages` name them, or where all sizes agree; else those of
    one size, of which the deepest counts; else, with as many on both sides, in order. A 1x1 convolution takes the student's map to the
    teacher's width where they differ, and bilinear interpolation to its size. The convolutions are thrown away at export.

    Args:
        loss_weight: Factor on the result.
        student_stages: Which of the student's stages to use, shallow first; None: all.
        teacher_stages: Which of the teacher's stages they follow, in the same order; None: all.

    Shapes:
        student, teacher: `Outputs` with stages (N, C, H, W).
        target: Ignored.
        returns: (), a sum over pairs.

    Raises:
        ValueError: Stages that are no maps or cannot be paired.
        RuntimeError: Called before `build_for`.
    """

    compares = ('stages',)

    def __init__(
        self,
        loss_weight: float | str = 1.0,
        student_stages: Sequence[int] | None = None,
        teacher_stages: Sequence[int] | None = None,
    ) -> None:
        super().__init__(loss_weight)
        check_wholes(type(self).__name__, student_stages=student_stages, teacher_stages=teacher_stages)
        self.student_stages = student_stages
        self.teacher_stages = teacher_stages
        self.pairs: list[tuple[int, int]] | None = None  # places among all stages of the student and of the teacher
        self.adapters = nn.ModuleList()

    def compare(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """The loss of pairs of maps of one shape, without its weight."""
        raise NotImplementedError

    def maps_of(self, outputs: NetworkOutputs) -> Sequence[Tensor]:
        """The maps of a network that are compared: its stages."""
        return outputs.stages

    def build_for(self, student: NetworkOutputs, teacher: NetworkOutputs) -> list[Row]:
        """Pair the stages and size the convolutions by one output of each network; once, before the optimizer is made.

        Returns:
            Rows (stage, student's shape, teacher's shape, adapter) for the distiller's table.
        """
        name = type(self).__name__
        students, teachers = self.maps_of(student), self.maps_of(teacher)
        mine = _numbers(name, 'student', students, self.student_stages)
        theirs = _numbers(name, 'teacher', teachers, self.teacher_stages)
        named = self.student_stages is not None or self.teacher_stages is not None
        self.pairs = _paired(name, {i: students[i] for i in mine}, {i: teachers[i] for i in theirs}, named)
        adapters, rows = [], []
        for i, j in self.pairs:
            s, t = students[i], teachers[j]
            same = s.shape[1] == t.shape[1]
            adapters.append(nn.Identity() if same else nn.Conv2d(s.shape[1], t.shape[1], 1))
            says = [] if same else [f'conv 1x1 ({s.shape[1]}, {t.shape[1]})']
            says += [] if s.shape[2:] == t.shape[2:] else ['bilinear']
            rows.append((f'stage {i} -> {j}', _size(s), _size(t), ', '.join(says) or 'none'))
        self.adapters = nn.ModuleList(adapters)
        return rows

    def forward(self, student: NetworkOutputs, teacher: NetworkOutputs, target: Tensor | None = None) -> Tensor:
        """Return the weighted loss."""
        if self.pairs is None:
            raise RuntimeError(
                f'{type(self).__name__} needs its pairs before the first step: call build_for with one output of each network.')
        students, teachers = self.maps_of(student), self.maps_of(teacher)
        theirs = [teachers[j].detach() for _, j in self.pairs]
        mine = [
            resized(adapter(students[i]), t)
            for adapter, (i, _), t in zip(self.adapters, self.pairs, theirs, strict=True)]
        return self.loss_weight * self.compare(mine, theirs)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'loss_weight={self.loss_weight}, pairs={self.pairs}'


def as_pairs(loss: str, student: Tensor | Sequence[Tensor], teacher: Tensor | Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Pairs of maps (N, C, H, W) of one shape, from one map of each or as many of both.

    Raises:
        ValueError: They are not.
    """
    mine, theirs = ([x] if isinstance(x, Tensor) else list(x) for x in (student, teacher))
    if len(mine) != len(theirs) or not mine:
        raise ValueError(f'{loss} needs as many student as teacher maps, at least one, got {len(mine)} and {len(theirs)}.')
    for s, t in zip(mine, theirs, strict=True):
        if s.shape != t.shape or s.ndim != 4 or 0 in s.shape:
            raise ValueError(
                f'{loss} needs student and teacher maps of one shape (N, C, H, W), none of them 0, got {tuple(s.shape)} and '
                f"{tuple(t.shape)}. The registered module takes the student's maps to the teacher's width and size.")
    return list(zip(mine, theirs, strict=True))


def resized(x: Tensor, like: Tensor) -> Tensor:
    """A map (N, C, H, W) in the size of another, by bilinear interpolation."""
    return x if x.shape[2:] == like.shape[2:] else F.interpolate(x, size=like.shape[2:], mode='bilinear', align_corners=False)


def _numbers(owner: str, who: str, stages: Sequence[Tensor], wanted: Sequence[int] | None) -> list[int]:
    """The places of the wanted stages, from 0; all of them are maps."""
    numbers = list(range(len(stages)) if wanted is None else wanted)
    absent = [i for i in numbers if not -len(stages) <= i < len(stages)]
    if absent or not numbers or any(stages[i].ndim != 4 for i in numbers):
        raise ValueError(
            f'{owner} needs maps (N, C, H, W) as stages {numbers} of the {who}, which has {[tuple(x.shape) for x in stages]}. Check '
            f'{who}_stages and the out_indices of its backbone.')
    return [i % len(stages) for i in numbers]


def _paired(owner: str, student: dict[int, Tensor], teacher: dict[int, Tensor], named: bool) -> list[tuple[int, int]]:
    mine, theirs = ({i: tuple(x.shape[2:]) for i, x in side.items()} for side in (student, teacher))
    in_order = list(zip(mine, theirs, strict=False)) if len(mine) == len(theirs) else []
    deepest = {size: j for j, size in theirs.items()}
    common = [(i, deepest[size]) for size, i in {size: i for i, size in mine.items()}.items() if size in deepest]
    alike = list(mine.values()) == list(theirs.values())
    pairs = in_order if named or alike or not common else common
    if not pairs:
        got = (', '.join(map(_size, side.values())) for side in (student, teacher))
        raise ValueError(
            f'{owner} needs stages of one size, or as many of both networks, got {" of the student and ".join(got)} of the teacher. Choose '
            'them with student_stages and teacher_stages.')
    return pairs


def _size(x: Tensor) -> str:
    return 'x'.join(map(str, x.shape[1:]))
