"""Pairs of a student and the network that it follows, by the entries of a `MutualLearningDistiller`'s losses."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmkd_ext.losses.base import as_loss
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.registry import MODELS

TEACHER = 'teacher'


class Pair(NamedTuple):
    """Who follows whom by an entry of `losses`; None where students follow one another."""

    entry: str
    students: tuple[str, ...]
    teacher: str | None


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
    chosen = tuple(students if named is None else [named] if isinstance(named, str) else named)
    unknown = [name for name in (*chosen, teacher) if name not in (*students, TEACHER)]
    if unknown or not entry.isidentifier() or TEACHER in chosen or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f'losses.{entry} needs a name that is a Python identifier, students of {", ".join(students)}, each once, and as '
            f"teacher one of these or '{TEACHER}'; got students={named!r} and teacher={teacher!r}.")
    loss: Any = as_loss(entry, MODELS.build(cfg))
    if loss.among_peers:
        if len(chosen) < 2:
            raise ValueError(f'losses.{entry} compares two or more students, got {", ".join(chosen)}.')
        return [(entry, Pair(entry, chosen, None), loss)]
    if teacher == TEACHER and TEACHER not in followed:
        raise ValueError(f"losses.{entry} follows the teacher, and there is none. Give one, or name a student: teacher='...'.")
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
