"""Losses of a distiller with `loss_weight='auto:...'`: measured on the graph of each training step until their factors are fixed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.losses.auto_weight import ITERATIONS, gradient_norm
from mmkd_ext.models.outputs.shared_layers import shared_parameters


def check_auto_weights(losses: Mapping[str, Any], networks: Mapping[str, Sequence[nn.Module]]) -> None:
    """Whether the gradients of losses can be measured on the networks that they train.

    Args:
        losses: By name.
        networks: Of each loss.

    Raises:
        ValueError: A backbone that is not trained, or one that computes its maps twice to save memory, which allows no gradient beside
            the step's own.
    """
    for name, loss in losses.items():
        if loss.auto_weight is None:
            continue
        needed = f"losses.{name} with loss_weight='auto:{loss.auto_weight.share:g}' needs a student whose backbone "
        for network in networks[name]:
            if not shared_parameters(network):
                raise ValueError(f'{needed}trains, got one without a trained parameter. Give it a number, or look at frozen_stages.')
            if any(getattr(module, 'with_cp', False) is True for module in network.modules()):
                raise ValueError(f'{needed}keeps its maps, got with_cp=True. Leave it out, or give loss_weight a number.')


def auto_factor(
    name: str, loss: Any, value: Any, terms: Iterable[Mapping[str, Any]], networks: Sequence[nn.Module]
) -> float:
    """What a loss's value is multiplied by, measured on its graph as long as that is open; 1 for a loss with a number as its weight.

    Args:
        name: Of the loss.
        loss: One of the distiller's.
        value: What it returned: a scalar, or a dict of them.
        terms: Of each network, the losses of its own.
        networks: Which the loss trains.

    Raises:
        ValueError: Over all these iterations it had no gradient, or the task loss had none.
    """
    weight = loss.auto_weight
    if weight is None:
        return 1.0
    if not weight.fixed and torch.is_grad_enabled() and networks[0].training:
        parameters = [each for network in networks for each in shared_parameters(network)]
        own = sum(value.values()) if isinstance(value, Mapping) else value
        task = sum(task_loss(each) for each in terms)
        weight.see(gradient_norm(task, parameters), gradient_norm(own, parameters))  # type: ignore[arg-type]
        if weight.fixed:
            _fix(name, weight)
    return weight.factor


def task_loss(terms: Mapping[str, Any]) -> Tensor:
    """() the sum of a network's own losses, as mmengine adds them up."""
    parts = [each for name, value in terms.items() if 'loss' in name for each in (value if isinstance(value, list) else [value])]
    return torch.stack([each.mean() for each in parts]).sum()


def _fix(name: str, weight: Any) -> None:
    _, task, own = weight.measured
    if not task or not own:
        raise ValueError(
            f"losses.{name} with loss_weight='auto:{weight.share:g}' needs a gradient on the student's backbone, got a norm of {own:g} "
            f'beside {task:g} of the task loss in the first {ITERATIONS} iterations. Give it a number, or look why it is 0 (mmkd doctor).')
    print_log(
        f"losses.{name}: loss_weight='auto:{weight.share:g}' is {weight.factor:.6g} from now on, by {ITERATIONS} iterations: the "
        f"gradient's mean norm on the student's backbone is {task:.4g} of the task loss and {own:.4g} of this one.", 'current')
