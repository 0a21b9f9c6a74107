"""Checks of optimizers and optimizer wrappers that mmengine's Runner builds and cannot use."""

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapperDict
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner
from torch import nn

from mmkd_ext.engine.model_wrappers import unwrapped

_OF_A_STRATEGY = ('DeepSpeedOptimWrapper', 'ColossalAIOptimWrapper')
_STOCK = ('DefaultOptimWrapperConstructor', 'LearningRateDecayOptimWrapperConstructor', 'LearningRateDecayOptimizerConstructor')


def check_usable(runner: Runner) -> None:
    """Whether the Runner's training loop can step with what the config names.

    Raises:
        ValueError: It cannot: a wrapper of a strategy, several optimizers, or an optimizer that wants a closure, second derivatives or
            sparse gradients.
    """
    cfg = runner.cfg.get('optim_wrapper')
    if not isinstance(cfg, Mapping):
        return
    kind = _name(cfg.get('type'))
    if kind in _OF_A_STRATEGY:
        raise ValueError(
            f"An optimizer wrapper for mmengine's Runner, such as OptimWrapper or AmpOptimWrapper, is needed, got {kind}, which works "
            'only in the strategy of its package. Look at optim_wrapper.type, or at runner_type.'
        )
    if 'optimizer' not in cfg and 'constructor' not in cfg:
        raise ValueError(
            f'One optimizer is needed, as optim_wrapper=dict(optimizer=dict(type=...)), got {", ".join(map(str, cfg)) or "nothing"}. '
            'Several need a constructor that makes an OptimWrapperDict, and a model that steps with it. Look at optim_wrapper.'
        )
    if isinstance(cfg.get('optimizer'), Mapping):
        _check_class(cfg['optimizer'].get('type'), unwrapped(runner.model))
    if _name(cfg.get('constructor')) not in ('None', *_STOCK):
        _check_several(runner)


def _name(kind: Any) -> str:
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2]


def _check_class(named: Any, model: nn.Module) -> None:
    kind = OPTIMIZERS.get(named) if isinstance(named, str) else named
    if not inspect.isclass(kind) or not issubclass(kind, torch.optim.Optimizer):
        return
    closure = inspect.signature(kind.step).parameters.get('closure')
    if closure is not None and closure.default is inspect.Parameter.empty:
        why = 'computes the loss several times in a step, by a closure'
    elif issubclass(kind, torch.optim.SparseAdam) and not any(getattr(module, 'sparse', False) for module in model.modules()):
        why = 'takes sparse gradients only, which no layer of the model has'
    elif getattr(kind, 'is_second_order', False):  # timm's Adahessian
        why = 'needs second derivatives of the loss'
    else:
        return
    raise ValueError(
        f"An optimizer that steps by the gradients of one backward pass, as mmengine's wrappers do, is needed, got {_name(kind)}, which "
        f'{why}. Look at optim_wrapper.optimizer.type.'
    )


def _check_several(runner: Runner) -> None:
    """Whether the model steps itself where a constructor of a user's makes several optimizers."""
    model = unwrapped(runner.model)
    if getattr(type(model), 'train_step', None) is not BaseModel.train_step:
        return
    if isinstance(runner.build_optim_wrapper(copy.deepcopy(runner.optim_wrapper)), OptimWrapperDict):
        raise ValueError(
            f'One optimizer is needed for {type(model).__name__}, whose train_step is that of mmengine, got an OptimWrapperDict of '
            f'{runner.cfg.optim_wrapper["constructor"]}. Look at optim_wrapper.constructor, or write a train_step that steps with each.'
        )
