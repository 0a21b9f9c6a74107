"""Findings about parameters: without a gradient, frozen, and those of the adapters."""

from typing import Any

from torch import nn

from .patient import Patient
from .rows import LOOK, OK, WRONG, Row, some


def parameter_rows(patient: Patient) -> list[Row]:
    """Of a model after a backward pass of a training batch."""
    model = patient.model
    named = dict(model.named_parameters())
    without = [name for name, each in named.items() if each.requires_grad and each.grad is None]
    frozen = [name for name, each in named.items() if not each.requires_grad]
    asked = {f'{path}.{name}' if path else name for path, module in model.named_modules() if _freezes(module)
             for name, _ in module.named_parameters()}  # fmt: skip
    unasked = [name for name in frozen if name not in asked]
    figures = {'parameters': len(named), 'without_gradient': without, 'frozen': len(frozen), 'frozen_unasked': unasked}
    rows = []
    if without:
        allowed = patient.cfg.get('find_unused_parameters', False)
        hint = 'find_unused_parameters lets several processes go on' if allowed else 'several processes would wait for them for ever'
        text = f'{len(without)} of {len(named)} parameters have no gradient ({some(without)}): no loss depends on them, {hint}.'
        rows.append(Row(LOOK if allowed else WRONG, 'parameters', text, figures))
    if unasked:
        text = f'{len(unasked)} of {len(named)} parameters are frozen, which no frozen_stages says ({some(unasked)}): is it meant?'
        rows.append(Row(LOOK, 'frozen parameters', text, figures))
    if not rows:
        kept = f', {len(frozen)} are frozen as the config says' if frozen else ''
        rows.append(Row(OK, 'parameters', f'all {len(named) - len(frozen)} trained parameters have a gradient{kept}.', figures))
    return [*rows, *_adapters(model)]


def _freezes(module: nn.Module) -> bool:
    """Whether an option of mmpretrain or mmdet freezes a part of it."""
    stages = getattr(module, 'frozen_stages', None)
    return isinstance(stages, int) and stages >= 0


def _adapters(model: Any) -> list[Row]:
    table = getattr(model, 'adapter_table', None)
    if table is None:
        return []
    lines = [' '.join(line.split()) for line in table.splitlines()[2:]]
    own = sum(each.numel() for each in model.distill.parameters())
    network = sum(each.numel() for name, each in model.named_parameters() if not name.startswith('distill.'))
    figures = {'adapters': lines, 'parameters': own, 'student': network}
    if not own:
        return [Row(OK, 'adapters', 'no loss trains anything beside the student.', figures)]
    text = f'{own:,} parameters beside the {network:,} of the student{f": {chr(59).join(lines[:4])}" if lines else ""}'
    more = f' and {len(lines) - 4} more' if len(lines) > 4 else ''
    large = own > network
    return [Row(LOOK if large else OK, 'adapters', f'{text}{more}{", more than the student has" if large else ""}.', figures)]
