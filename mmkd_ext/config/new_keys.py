"""Keys that `--cfg-options` adds to a config: mmengine takes any, so that a misspelt one changes nothing and says nothing."""

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from .value_types import arguments_of, called_with

_ALIKE = 0.8  # of difflib, 0 to 1

# what mmengine, or a command line, reads beside the arguments of the part's type
_READ = {
    '': (
        'runner_type', 'compile', 'model_wrapper_cfg', 'find_unused_parameters', 'sync_bn', 'activation_checkpointing',
        'efficient_conv_bn_eval', 'custom_imports', 'tta_model', 'tta_pipeline', 'strategy', 'train_pipeline', 'test_pipeline'),
    'train_cfg': ('by_epoch',), 'env_cfg': ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
    'optim_wrapper': ('optimizer', 'constructor', 'paramwise_cfg', 'clip_grad', 'accumulative_counts'),
    'optim_wrapper.paramwise_cfg': ('custom_keys', 'num_layers', 'decay_rate', 'decay_type'),
    'optim_wrapper.clip_grad': ('norm_type', 'clip_value', 'foreach'),
    'default_hooks': ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint', 'visualization'),
    **{f'{name}_dataloader': ('num_batch_per_epoch', 'disable_subprocess_warning') for name in ('train', 'val', 'test')}}
_UNTYPED = ('', 'default_hooks', 'env_cfg', 'env_cfg.mp_cfg', 'env_cfg.dist_cfg', 'randomness', 'auto_scale_lr')  # no `type` is read


def new_keys(cfg: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, list[str]]:
    """Which keys options will add; to be asked before they are merged.

    Args:
        cfg: The config.
        options: Dotted key to value.

    Returns:
        Dotted path of the first part that is not there -> the keys beside it.
    """
    found = {}
    for option in options:
        parts = option.split('.')
        for depth, key in enumerate(parts):
            beside = _at(cfg, parts[:depth])
            if isinstance(beside, Mapping) and key not in beside:
                found['.'.join(parts[: depth + 1])] = list(beside)
                break
    return found


def warn_of_misspelt(cfg: Mapping[str, Any], new: Mapping[str, Sequence[str]], where: str) -> None:
    """One warning for each new key that looks like another and that nothing is known to read.

    A part with a `type` in a dict of such parts is no misspelt key, nor is one whose name differs from another by digits only.

    Args:
        cfg: With the options merged.
        new: As `new_keys` gives it.
        where: Whose options they are, for the sentence.
    """
    scope = cfg.get('default_scope') or 'mmengine'
    for path, beside in new.items():
        parent, _, key = path.rpartition('.')
        part = _at(cfg, parent.split('.') if parent else [])
        if not isinstance(part, Mapping) or key.startswith('_'):
            continue
        kinds = called_with(parent, dict(part.items()), scope)
        known = {*(name for kind in kinds for name in arguments_of(kind)), *_READ.get(parent, ())} - {'self'}
        named = not kinds and isinstance(part.get(key), Mapping) and 'type' in part[key]  # such as a further loss
        if key in known or named or (key == 'type' and parent not in _UNTYPED):
            continue
        close = difflib.get_close_matches(key, [each for each in {*beside, *known} if isinstance(each, str)], n=1, cutoff=_ALIKE)
        if close and re.sub(r'\d+', '', close[0]) != re.sub(r'\d+', '', key):
            meant = f'{parent}.{close[0]}'.lstrip('.')
            print_log(f'{where}: {path} is a new key, which nothing may read. Did you mean {meant}?', 'current', logging.WARNING)


def _at(part: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if isinstance(part, Mapping) or hasattr(part, '_cfg_dict'):
            part = part.get(key)
        elif isinstance(part, list | tuple) and key.isdecimal() and int(key) < len(part):
            part = part[int(key)]
        else:
            return None
    return getattr(part, '_cfg_dict', part)
