"""Sizing the losses' adapters, calling each loss, and naming its terms in the log.

Under `torch.compile` (`compile=True` of mmengine's Runner) the networks are compiled; the comparison and the diagnostics run as they
are. torch 2.14's inductor gives one tensor without gradient for a term and the detached same that is logged beside it, and what counts
in Python would be compiled anew at every step.
"""

from collections.abc import Iterable, Mapping, Sequence
from logging import WARNING
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.models.outputs.kinds.base import Kind, Levels, Pass
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SOFTMAX, check_scores


def adapters_for(
    name: str, loss: Any, kind: type[Kind], size: tuple[int, int], student: Outputs, teacher: Outputs, who: str = 'The student',
    whom: str = 'the teacher',
) -> list[tuple[str, ...]]:  # fmt: skip
    """Let a loss size its adapters by what both say of an example, and return their rows for `adapter_table`.

    Raises:
        ValueError: It compares students among themselves, logits of different numbers of classes, scores of a kind that it cannot
            compare, or what networks of this kind, or these two, do not have.
    """
    if loss.among_peers:
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares students among themselves and no teacher: it is one of the losses of a '
            'MutualLearningDistiller.')
    kind.check_loss(name, loss, size, student, teacher)
    without = [x for x, said in ((who[0].lower() + who[1:], student), (whom, teacher)) if said.edges is None]
    if loss.reads('edges') and without:
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares the distributions of the edges of boxes, which detectors with a GFLHead '
            f'predict, got none of {" and ".join(without)}. Look at bbox_head of both, or compare maps (PKDLoss).')
    without = [x for x, said in ((who[0].lower() + who[1:], student), (whom, teacher)) if said.tower is None]
    if loss.reads('tower') and without:
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) follows the last convolutions of the classification of dense heads (cls_convs), got '
            f'none of {" and ".join(without)}. Look at bbox_head of both, or compare maps (PKDLoss).')
    without = [x for x, said in ((who[0].lower() + who[1:], student), (whom, teacher)) if said.logit_map is None]
    if loss.reads('logit_map') and without:
        raise ValueError(
            f'losses.{name} ({type(loss).__name__}) compares class scores as maps, which segmentors give, got none of '
            f"{' and '.join(without)}. Compare stages (of='stages'), or logits (KDLoss).")
    check_scores(name, loss, student.scores or SOFTMAX, teacher.scores or SOFTMAX, who[0].lower() + who[1:], whom)
    classes = kind.classes_of(student), kind.classes_of(teacher)
    if classes[0] != classes[1]:
        text = f'{who} has {classes[0]} classes and {whom} has {classes[1]}'
        if any(map(loss.reads, ('logits', 'tower', 'logit_map'))):
            raise ValueError(f'{text}, but losses.{name} compares their logits. Is it a teacher of another data set? Its '
                "classes become the student's by teacher=dict(model=..., classes=...).")
        print_log(f'{text}: only its features can be followed.', 'current', WARNING)
    student, teacher = at_levels(student, teacher, kind.levels(size, student, teacher))
    rows = [(name, *row) for row in loss.build_for(student, teacher)]
    if loss.needs_class_means and loss.means_width is None:
        loss.means_width = teacher.embedding.shape[1]
    return rows


def ask(readers: Iterable[Kind], teachers: Iterable[Any], losses: Iterable[Any]) -> None:
    """Tell networks and frozen teachers what losses read of them that is not always recorded."""
    given = list(losses)
    asked = frozenset(what for what in ('edges', 'tower') if any(loss.reads(what) for loss in given))
    for reader in (*readers, *(each for teacher in teachers for each in teacher.readers)):
        reader.asked = asked


def at_levels(student: Outputs, teacher: Outputs, levels: Levels | None) -> tuple[Outputs, Outputs]:
    """Both with the stages that they have in common."""
    if levels is None:
        return student, teacher
    mine, theirs = (tuple(said.stages[i] for i in places) for said, places in zip((student, teacher), levels, strict=True))
    towers = [said.tower and said.tower.at(places) for said, places in zip((student, teacher), levels, strict=True)]
    return student._replace(stages=mine, tower=towers[0]), teacher._replace(stages=theirs, tower=towers[1])


def compared(name: str, loss: Any, reader: Kind, seen: Pass, teacher: Outputs, levels: Levels | None, classes: int) -> Any:
    """What a loss makes of a student's training pass and of what a teacher says of the same samples; 0 where it needs some and has none.

    Raises:
        ValueError: It has class means of another number of rows than the student's kind and classes make.
    """
    if not len(seen.target) and not any(map(loss.reads, ('stages', 'tower', 'logit_map'))):
        return nothing(loss, seen)
    if not loss.needs_class_means:
        return loss(*at_levels(seen.outputs, teacher, levels), seen.target)
    rows, words = reader.mean_rows(classes)
    if loss.class_means is not None and len(loss.class_means) != rows:
        raise ValueError(
            f'losses.{name} needs class means of {rows} rows, {words}, got {len(loss.class_means)}. Were they made for other data'
            f'{" or another student" if reader.boxes else ""}?')
    return loss(*at_levels(seen.outputs, teacher, levels), seen.rows)


def among_peers(loss: Any, seen: Pass, peers: Sequence[Outputs]) -> Tensor:
    """A student's own term of a loss among peers, at its own samples."""
    return loss([seen.outputs, *peers])[0] if len(seen.target) or loss.reads('stages') else nothing(loss, seen)


def nothing(loss: Any, seen: Pass) -> Tensor:
    """0, and a gradient for every parameter."""
    outputs = seen.outputs
    return sum((x.sum() for x in (outputs.embedding, outputs.logits, *loss.parameters())), seen.target.sum()) * 0.0


def adapter_table(rows: list[tuple[str, ...]], size: tuple[int, int]) -> str:
    """What was put between which shapes; empty without rows."""
    if not rows:
        return ''
    rows = [('loss', 'where', 'student', 'teacher', 'adapter'), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return '\n'.join([f'Adapters at {size[0]} x {size[1]} pixels:', *lines])


def add_terms(terms: dict[str, Tensor], key: str, value: Any, loss: Any, factor: float, measured: float = 1.0) -> None:
    """Add what a loss returned, and, for the log, the same without its factors and what it says beside.

    Args:
        terms: To which it is added.
        key: Of the loss.
        value: A scalar, or a dict of them.
        loss: Which returned it.
        factor: Of a warm-up.
        measured: Of a loss whose weight is measured.
    """
    weight = loss.loss_weight
    for part, each in value.items() if isinstance(value, Mapping) else [('', value)]:
        name = f'{key}_{part}' if part else key
        terms[f'loss_{name}'] = factor * measured * each
        if weight:
            terms[diagnostic(f'{name}_unweighted')] = each.detach() / weight
        if loss.auto_weight is not None:
            terms[diagnostic(f'{key}_weight')] = each.detach().new_full((), measured)
    terms.update({diagnostic(f'{key}_{name}'): each for name, each in loss.diagnostics.items()})


def own_term(network: str, key: str) -> str:
    """The name of a term of a network's own loss, of which there are several; also of a network called `lossy`."""
    if key == 'loss':
        return f'loss_{network}'
    return f'{network}_{key}' if 'loss' in key else diagnostic(f'{network}_{key}')


def diagnostic(name: str) -> str:
    """A name without the letters by which mmengine knows what to minimise."""
    return name.replace('loss', 'term')
