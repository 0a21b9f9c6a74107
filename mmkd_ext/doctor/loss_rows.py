"""Findings about losses: not finite, dead, constant, too loud or too quiet, and the weight that would change it."""

import math
from collections.abc import Sequence
from typing import Any

from mmkd_ext.hooks.loss_warmup_hook import LossWarmupHook
from mmkd_ext.losses.auto_weight import weight_for

from .gradients import TASK, Term
from .patient import Patient
from .rows import LOOK, OK, WRONG, Row

_LOUD, _QUIET = 10.0, 0.01  # of the task loss's gradient


def loss_rows(patient: Patient, terms: Sequence[Term]) -> list[Row]:
    """A row for the task loss and for each other."""
    pairs = getattr(patient.model, 'pairs', {})
    rows = []
    for term in terms:
        entry = pairs[term.name].entry if term.name in pairs else term.name
        ramps = [hook for hook in patient.runner.hooks if isinstance(hook, LossWarmupHook) and hook.loss == entry]
        status, text = _judged(term)
        if ramps:
            hook = ramps[0]
            text += f'; it ramps from 0 over {hook.epochs or hook.iters} {"epochs" if hook.epochs else "iterations"}, here at full weight'
        name = term.name if term.name == TASK else f'loss {term.name.removeprefix("loss_")}'
        rows.append(Row(status, name, text if text.endswith('?') else f'{text}.', _figures(term)))
    return rows


def _judged(term: Term) -> tuple[str, str]:
    text = f'{term.value:.4g}, gradient {term.norm:.3g} on the backbone'
    bad = [k for k, value in enumerate(term.values) if not math.isfinite(value)]
    if bad:
        return WRONG, f'{term.values[bad[0]]} in {len(bad)} of {len(term.values)} batches: training would stop at the first'
    if math.isnan(term.norm) or math.isnan(term.task_norm):
        return LOOK, f'{term.value:.4g}; its gradient cannot be taken apart under with_cp=True'
    if not math.isfinite(term.norm):
        return WRONG, f'{text}: a gradient that is not finite'
    if term.name == TASK:
        return (OK, text) if term.norm else (WRONG, f'{text}: the backbone learns nothing from the labels, is it frozen?')
    if getattr(term.loss, 'loss_weight', 1.0) == 0:
        return WRONG, '0 in all batches, since its loss_weight is 0: leave the loss out (None), or give it a weight'
    constant = len(term.values) > 1 and len(set(term.values)) == 1
    if not term.norm:
        if not any(term.values):
            return WRONG, '0 in all batches, without a gradient: a dead loss'
        kind = 'the same in all batches' if constant else 'a value that changes'
        return WRONG, f'{term.value:.4g}, {kind}, without a gradient on the backbone: it teaches the student nothing'
    text += _beside(term)
    if constant:
        return LOOK, f'{text}; but its value is the same in all batches'
    if not _QUIET <= term.norm / term.task_norm <= _LOUD if term.task_norm else False:
        return LOOK, f'{text}: {"it drowns the labels" if term.norm > term.task_norm else "it is hardly heard beside the labels"}'
    return OK, text


def _beside(term: Term) -> str:
    """The comparison with the task loss, and the weights that change it."""
    if not term.task_norm:
        return ''
    text = f', {term.norm / term.task_norm:.3g} times that of the task loss'
    loss: Any = term.loss
    if loss is None:
        return f'{text}; times {weight_for(0.1, term.task_norm, term.norm):.3g} would make it a tenth, times ' \
            f'{weight_for(1.0, term.task_norm, term.norm):.3g} equal'
    if loss.auto_weight is not None:
        return f"{text}; loss_weight='auto:{loss.auto_weight.share:g}' is {loss.auto_weight.factor:.3g} by these batches"
    tenth, equal = (loss.loss_weight * weight_for(share, term.task_norm, term.norm) for share in (0.1, 1.0))
    return f'{text}; loss_weight={tenth:.3g} for {loss.loss_weight:.3g} would make it a tenth, {equal:.3g} equal'


def _figures(term: Term) -> dict[str, Any]:
    found: dict[str, Any] = {'value': term.value, 'values': term.values, 'gradient': term.norm, 'task_gradient': term.task_norm}
    if term.name != TASK and term.norm and math.isfinite(term.norm) and term.task_norm:
        weight = getattr(term.loss, 'loss_weight', 1.0)
        auto = getattr(term.loss, 'auto_weight', None)
        weight = weight if auto is None else auto.factor
        found.update(
            loss_weight=weight, weight_for_a_tenth=weight * weight_for(0.1, term.task_norm, term.norm),
            weight_for_equal=weight * weight_for(1.0, term.task_norm, term.norm))
    return found
