"""Shared parts of the distillers around their losses: sizes of adapters, names of terms, and diagnostics.

Under `torch.compile` (`compile=True` of mmengine's Runner) the networks are compiled; the comparison and the diagnostics run as they
are. torch 2.14's inductor gives one tensor without gradient for a term and the detached same that is logged beside it, and what counts
in Python would be compiled anew at every step.
"""

from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.config.named_types import type_name
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID, SOFTMAX, check_scores, label_shares

_POOLS = ('None', 'GlobalAveragePooling', 'GeneralizedMeanPooling')


def last_stage_only(plain: ConfigDict) -> ConfigDict:
    """Leave out the stages that only losses read from a classifier's config, in place."""
    neck = plain.get('neck') or {}
    indices = (plain.get('backbone') or {}).get('out_indices')
    # these read the last stage only; a list of necks may read more
    pools = isinstance(neck, Mapping) and type_name(neck.get('type')) in _POOLS
    if pools and isinstance(indices, Sequence) and min(indices) >= 0 and 'mmkd_ext.TESKD' not in str(plain):
        plain.backbone.out_indices = (max(indices),)
    return plain


def adapters_for(
    name: str, loss: Any, student: Outputs, teacher: Outputs, who: str = 'The student', whom: str = 'the teacher'
) -> list[tuple[str, ...]]:
    """Let a loss size its adapters, and return their rows for `adapter_table`.

    Raises:
        ValueError: It compares logits of different numbers of classes, or scores of a kind that it cannot compare.
    """
    check_scores(name, loss, student.scores or SOFTMAX, teacher.scores or SOFTMAX, who[0].lower() + who[1:], whom)
    classes = student.logits.shape[1], teacher.logits.shape[1]
    if classes[0] != classes[1]:
        text = f'{who} has {classes[0]} classes and {whom} has {classes[1]}'
        if loss.reads('logits'):
            raise ValueError(f'{text}, but losses.{name} compares their logits. Is it a teacher of another data set?')
        print_log(f'{text}: only its features can be followed.', 'current', WARNING)
    return adapters(name, loss, student, teacher)


def adapters(name: str, loss: Any, student: Outputs, teacher: Outputs) -> list[tuple[str, ...]]:
    """Let a loss size its adapters, and return their rows for `adapter_table`."""
    rows = [(name, *row) for row in loss.build_for(student, teacher)]
    if loss.needs_class_means and loss.means_width is None:
        loss.means_width = teacher.embedding.shape[1]
    return rows


def adapter_table(rows: list[tuple[str, ...]], size: tuple[int, int]) -> str:
    """What was put between which shapes; empty without rows."""
    if not rows:
        return ''
    rows = [('loss', 'where', 'student', 'teacher', 'adapter'), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return '\n'.join([f'Adapters at {size[0]} x {size[1]} pixels:', *lines])


def target_of(data_samples: Sequence[Any], preprocessor: Any, student: Outputs) -> Tensor:
    """(N,) labels, or (N, K) scores where images are mixed or may have several labels."""
    if student.scores == SIGMOID:
        return label_shares(data_samples, student.logits.shape[1])
    mixed = getattr(preprocessor, 'batch_augments', None) is not None
    if 'gt_score' in data_samples[0] and (mixed or 'gt_label' not in data_samples[0]):
        return torch.stack([sample.gt_score for sample in data_samples])
    return torch.cat([sample.gt_label for sample in data_samples])


def add_terms(terms: dict[str, Tensor], key: str, value: Any, loss: Any, factor: float) -> None:
    """Add what a loss returned, and, for the log, the same without its factors and what it says beside."""
    weight = loss.loss_weight
    for part, each in value.items() if isinstance(value, Mapping) else [('', value)]:
        name = f'{key}_{part}' if part else key
        terms[f'loss_{name}'] = factor * each
        if weight:
            terms[diagnostic(f'{name}_unweighted')] = each.detach() / weight
    terms.update({diagnostic(f'{key}_{name}'): each for name, each in loss.diagnostics.items()})


def diagnostic(name: str) -> str:
    """A name without the letters by which mmengine knows what to minimise."""
    return name.replace('loss', 'term')
