"""Values of the loss terms of training batches, and norms of their gradients on the student's backbone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.losses.auto_weight import gradient_norm
from mmkd_ext.models.distillers.auto_weights import task_loss
from mmkd_ext.models.outputs.shared_layers import shared_parameters

from .patient import Patient

TASK = 'task loss'
_OF_TESKD = ('loss_kl', 'loss_feature')


@dataclass
class Term:
    """A loss over the batches.

    Attributes:
        name: Of the entry of `losses`, of a term, or `TASK`.
        loss: The module; None for a term of the network's own.
        networks: Whose backbones its gradient is taken on.
        values: One for each batch, at full weight.
        norms: Likewise, of the gradient.
        task_norms: Likewise, of the task loss on the same backbones.
    """

    name: str
    loss: Any = None
    networks: Sequence[nn.Module] = ()
    values: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    task_norms: list[float] = field(default_factory=list)

    @property
    def value(self) -> float:
        """Mean over the batches."""
        return sum(self.values) / len(self.values)

    @property
    def norm(self) -> float:
        """Mean over the batches."""
        return sum(self.norms) / len(self.norms)

    @property
    def task_norm(self) -> float:
        """Mean over the batches."""
        return sum(self.task_norms) / len(self.task_norms)


def measured(patient: Patient) -> list[Term]:
    """The task loss first, where there is one, then every other; the gradient of the last batch's total stays in the parameters."""
    model = patient.model.train()
    found = _terms(model)
    for batch in patient.batches:
        model.zero_grad(set_to_none=True)
        with patient.wrapper.optim_context(model):
            said = model(**patient.prepared(batch, True), mode='loss')
        terms = {key: value for key, value in said.items() if 'loss' in key}
        owners = {key: _owner(key, found) for key in terms}
        own = {key: value for key, value in terms.items() if owners[key] == TASK}
        task = task_loss(own) if own else None  # none without labels
        for name, term in found.items():
            parts = {key: value for key, value in terms.items() if owners[key] == name}
            if not parts:
                continue
            value = task_loss(parts)
            parameters = [each for network in term.networks for each in shared_parameters(network)]
            term.values.append(float(value.detach()))
            term.task_norms.append(0.0 if task is None else float(_norm(task, parameters)))
            term.norms.append(term.task_norms[-1] if name == TASK else float(_norm(value, parameters)))
        total = task_loss(terms)
        if total.requires_grad:
            total.backward()
    return [term for term in found.values() if term.values]


def _norm(value: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    try:
        return gradient_norm(value, parameters)
    except RuntimeError as error:
        if 'heckpoint' not in str(error):
            raise
        return torch.tensor(torch.nan)  # with_cp: such a network has no gradient beside the step's own


def _terms(model: Any) -> dict[str, Term]:
    losses, pairs = getattr(model, 'distill', None), getattr(model, 'pairs', {})
    if losses is None:
        teskd = any(hasattr(module, 'kl_weight') for module in model.modules())
        names = _OF_TESKD if teskd else ()
        return {TASK: Term(TASK, None, [model]), **{name: Term(name, None, [model]) for name in names}}
    networks = {name: [model.student] if name not in pairs else [model.networks[each] for each in pairs[name].students] for name in losses}
    whole = [model.student] if not pairs and hasattr(model, 'student') else [model.networks[each] for each in model.students]
    return {TASK: Term(TASK, None, whole), **{name: Term(name, loss, networks[name]) for name, loss in losses.items()}}


def _owner(key: str, found: dict[str, Term]) -> str:
    """Whose term that is: the longest name that it begins with."""
    fitting = [name for name in found if key in (name, f'loss_{name}') or key.startswith(f'loss_{name}_')]
    return max(fitting, key=len, default=TASK)
