"""Keys of a config that mmengine takes and never reads, so that a misspelt one changes nothing and says nothing."""

import difflib
import inspect
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from mmengine.dist import init_dist
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from torch import nn

_ENVIRONMENT = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint', 'visualization')
_MULTIPLIERS = ('lr_mult', 'decay_mult')
_BY_PARAMETER = (
    'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult', 'flat_decay_mult', 'dcn_offset_lr_mult',
    'bypass_duplicate')
_SAVED = ('meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers', 'ema_state_dict')
_STOCK = (None, 'DefaultOptimWrapperConstructor', 'mmengine.DefaultOptimWrapperConstructor')
_PATTERN = re.compile(r'[*+?^$|()\[\]{}\\]')  # in no name of a parameter
_ALIKE = 0.8  # of difflib, 0 to 1


def check_unread_keys(cfg: Mapping[str, Any], model: nn.Module, hooks: Sequence[Hook]) -> None:
    """Keys that look like a known one are refused; others that nothing reads are told by a warning.

    Args:
        cfg: Of a run.
        model: Out of its wrapper.
        hooks: Of the run.

    Raises:
        ValueError: A misspelt key of env_cfg, default_hooks, paramwise_cfg or published_keys, a pattern among custom_keys, which are parts
            of names, or published checkpoints without weights.
    """
    environment = cfg.get('env_cfg') or {}
    _check(environment, _ENVIRONMENT, 'env_cfg')
    process_group = (*_arguments(init_dist), *_arguments(torch.distributed.init_process_group), 'port')
    _check(environment.get('dist_cfg') or {}, process_group, 'env_cfg.dist_cfg', free=True)
    _check(cfg.get('default_hooks') or {}, _HOOKS, 'default_hooks', free=True)
    wrapper = cfg.get('optim_wrapper') or {}
    if isinstance(wrapper, Mapping) and wrapper.get('constructor') in _STOCK:
        _check_by_parameter(wrapper, model)
    for hook in hooks:
        if isinstance(hook, CheckpointHook) and hook.published_keys is not None:
            _check_published(hook.published_keys)


def _check(part: Any, known: Collection[str], place: str, free: bool = False) -> None:
    """`free`: whether other keys may be read by somebody."""
    for key in part if isinstance(part, Mapping) else ():
        if key in known or not isinstance(key, str):
            continue
        meant = _close(key, known)
        if meant:
            raise ValueError(f'A key that is read is needed in {place}, got {key!r}. Did you mean {meant}? Look at {place}.')
        if not free:
            print_log(f'{place}.{key} is read by nothing; what is read there: {", ".join(known)}.', 'current', WARNING)


def _close(key: str, known: Iterable[str]) -> str | None:
    """The known key that is meant; names that differ by digits only are different things."""
    found = difflib.get_close_matches(key, list(known), n=1, cutoff=_ALIKE)
    return found[0] if found and re.sub(r'\d+', '', found[0]) != re.sub(r'\d+', '', key) else None


def _arguments(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def _check_by_parameter(wrapper: Mapping[str, Any], model: nn.Module) -> None:
    """Settings of mmengine's own constructor."""
    settings, place = wrapper.get('paramwise_cfg') or {}, 'optim_wrapper.paramwise_cfg'
    _check(settings, _BY_PARAMETER, place)
    keys = settings.get('custom_keys') if isinstance(settings, Mapping) else None
    if not isinstance(keys, Mapping):
        return
    names = [name if '.' in name else f'.{name}' for name, _ in model.named_parameters()]  # as mmengine looks for them
    components = {each for name in names for each in name.split('.')}
    for key, options in keys.items():
        _check(options, _MULTIPLIERS, f"{place}.custom_keys['{key}']", free=True)
        if any(key in name for name in names):
            continue
        if _PATTERN.search(key):
            raise ValueError(
                f'Parts of the names of parameters, such as {names[0].rpartition(".")[0] or names[0]!r}, are needed as custom_keys, got '
                f'{key!r}: they are no patterns. Look at {place}.custom_keys.')
        meant = next((close for part in key.split('.') if part not in components and (close := _close(part, components))), None)
        if meant:
            raise ValueError(
                f'A part of the name of a parameter is needed as key of custom_keys, got {key!r}. Did you mean {meant}? Look at '
                f'{place}.custom_keys.')
        print_log(f'custom_keys: no parameter has {key!r} in its name. Look at {place}.', 'current', WARNING)


def _check_published(keys: Sequence[str]) -> None:
    place = 'published_keys of the CheckpointHook'
    _check(dict.fromkeys(keys), _SAVED, place)
    if 'state_dict' not in keys:
        raise ValueError(f"Published checkpoints need weights, published_keys=['state_dict', ...], got {list(keys)}. Look at {place}.")
