"""Which student of a `MutualLearningDistiller` learns from which network, read from its `losses`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmkd_ext.losses.base import built_loss
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.registry import MODELS

TEACHER = 'teacher'


class Pair(NamedTuple):
    """The students and the network that they learn from in an entry of `losses`; None where they learn from one another."""

    entry: str
    students: tuple[str, ...]
    teacher: str | None


def check_members(who: str, students: Any, teacher: Any, losses: Any, freeze_teacher: bool, predict_by: str) -> None:
    """Refuse arguments of a distiller `who` that name no networks which can learn from one another.

    Raises:
        ValueError: Students or losses that are no dicts, fewer than two students, or a frozen teacher that is absent or predicts.
    """
    for what, given, kinds in (('students', students, str | Mapping), ('losses', losses, Mapping | None)):
        if not isinstance(given, Mapping) or not all(isinstance(k, str) and isinstance(v, kinds) for k, v in given.items()):
            raise ValueError(f'{who} needs {what}=dict(name=config, ...), got {given!r}.')
    if len(students) < 2 or TEACHER in students:
        raise ValueError(
            f"{who} needs two or more students, none called '{TEACHER}', got {', '.join(students) or 'none'}. "
            'For one student and a frozen teacher there is OfflineDistiller.')
    if freeze_teacher and (teacher is None or predict_by == TEACHER):
        raise ValueError(
            f"freeze_teacher=True needs a teacher and a predict_by other than '{TEACHER}', got teacher={teacher!r} and "
            f'predict_by={predict_by!r}. A frozen teacher is no part of what is trained or tested.')


def paired_losses(
    entry: str, cfg: Mapping[str, Any], students: Sequence[str], followed: Mapping[str, bool], kind: type[Kind]
) -> list[tuple[str, Pair, Any]]:
    """An entry's modules, each with its name: one for all students, or one for each.

    Args:
        entry: Its name.
        cfg: The config of the loss, with `students` and `teacher` where they are not all and the teacher.
        students: Names of the students.
        followed: Of each network that can be followed, whether it is frozen.
        kind: Of the networks.

    Raises:
        ValueError: Names that are unknown, nobody to follow, or class means of a network that has none.
    """
    cfg = dict(cfg)
    named, teacher = cfg.pop('students', None), cfg.pop('teacher', TEACHER)
    chosen = tuple(students if named is None else named if isinstance(named, list | tuple) else [named])
    unknown = [name for name in (*chosen, teacher) if name not in (*students, TEACHER)]
    if unknown or not entry.isidentifier() or TEACHER in chosen or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f'losses.{entry} needs a name that is a Python identifier, students of {", ".join(students)}, each once, and as '
            f"teacher one of these or '{TEACHER}'; got students={named!r} and teacher={teacher!r}.")
    loss: Any = built_loss(entry, cfg)
    if loss.among_peers:
        if len(chosen) < 2:
            raise ValueError(f'losses.{entry} compares two or more students, got {", ".join(chosen)}.')
        return [(entry, Pair(entry, chosen, None), loss)]
    if teacher == TEACHER and TEACHER not in followed:
        raise ValueError(f"losses.{entry} follows the teacher, and there is none. Give one, or name a student: teacher='...'.")
    if loss.reads('tower') and not followed[teacher]:
        raise ValueError(
            f'losses.{entry} lets features go through the convolutions of a teacher that stays as it is, got {teacher!r}, which trains. '
            'Set freeze_teacher=True, or leave the loss out.')
    if loss.needs_class_means and not followed[teacher]:
        raise ValueError(
            f'losses.{entry} follows class means, which only a teacher that stays as it is has; got {teacher!r}, which trains. '
            'Set freeze_teacher=True, or leave the loss out.')
    if loss.needs_class_means and not kind.shares_samples:
        raise ValueError(
            f'losses.{entry} compares class means, which detectors that train together do not. Use TwoStageDistiller with a frozen '
            'teacher, or leave the loss out.')
    followers = [name for name in chosen if name != teacher]
    if not followers:
        raise ValueError(f'losses.{entry} needs students other than {teacher!r}, whom they follow, got students={named!r}.')
    each = [loss, *(MODELS.build(cfg) for _ in followers[1:])]  # adapters of their own
    return [(f'{entry}_{name}', Pair(entry, (name,), teacher), x) for name, x in zip(followers, each, strict=True)]
