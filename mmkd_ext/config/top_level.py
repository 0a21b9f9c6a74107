"""The parts at the top of a run's config: that the needed ones are there, and that none is of a type that nothing can be made of."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS

from mmkd_ext.errors import PreflightError

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_PLAIN = (str, int, float)  # what can be no part that is built; in a config of objects a part may be one
_DICTS = (
    'model', 'train_cfg', 'val_cfg', 'test_cfg', 'optim_wrapper', 'default_hooks', 'env_cfg', 'model_wrapper_cfg', 'tta_model',
    'randomness', 'auto_scale_lr', *_LOADERS)


def check_needed(cfg: Config, needs: Sequence[str], path: str) -> None:
    """Whether a config has a model and the keys `needs`; to be asked again after `--cfg-options`.

    Raises:
        PreflightError: One is missing or None.
    """
    missing = [key for key in ('model', *needs) if cfg.get(key) is None]
    if missing:
        raise PreflightError(
            f'A config with {", ".join(("model", *needs))} is needed, got one without {", ".join(missing)}: look at {path}.')


def check_parts(cfg: Config, path: str) -> None:
    """Check the types of the parts that the command lines read before the Runner does.

    Args:
        cfg: Of the run.
        path: Its file, for the sentences.

    Raises:
        PreflightError: A part is something else than what it has to be.
    """
    for key in _DICTS:
        value = cfg.get(key)
        if not isinstance(value, dict) and (value is not None or (key == 'randomness' and key in cfg)):
            raise PreflightError(
                f'A dict is needed as {key}, got {value!r} of type {type(value).__name__}: look at {path} or --cfg-options.'
            )
    scope = cfg.get('default_scope')
    if scope is not None and (not isinstance(scope, str) or not (scope in MODELS.children or find_spec(scope))):
        raise PreflightError(f"A package such as 'mmpretrain' or 'mmdet' is needed as default_scope, got {scope!r}: look at {path}.")
    _check_hooks(cfg, path)
    parts = {f'{name}.{part}': (cfg.get(name) or {}).get(part) for name in _LOADERS for part in ('dataset', 'sampler', 'batch_sampler')}
    parts.update({f'{name}_evaluator': cfg.get(f'{name}_evaluator') for name in ('val', 'test')})
    for key, value in parts.items():
        if isinstance(value, _PLAIN):
            raise PreflightError(f'A dict with a `type` is needed as {key}, got {value!r}: look at {path} or --cfg-options.')
    for key, value in parts.items():
        several = key.endswith('_evaluator')
        if isinstance(value, list | tuple) and (not several or any(isinstance(each, _PLAIN) for each in value)):
            needed = 'A list of dicts, each with a `type`,' if several else 'A dict with a `type`'
            raise PreflightError(f'{needed} is needed as {key}, got {value!r}: look at {path} or --cfg-options.')


def check_loops(cfg: Mapping[str, Any], path: str) -> None:
    """What the runner asks of validation and test, whose own sentence quotes whole configs.

    Raises:
        PreflightError: A loop lacks one of its three parts.
    """
    for name in ('val', 'test'):
        keys = [f'{name}_dataloader', f'{name}_cfg', f'{name}_evaluator']
        missing = [key for key in keys if cfg.get(key) is None]
        if 0 < len(missing) < len(keys):
            raise PreflightError(
                f'{keys[0]}, {keys[1]} and {keys[2]} are needed, all or none of them, got no {" and no ".join(missing)}: look at {path} or '
                '--cfg-options.')


def _check_hooks(cfg: Mapping[str, Any], path: str) -> None:
    custom = cfg.get('custom_hooks')
    if custom is not None and not isinstance(custom, list | tuple):
        raise PreflightError(f'A list of dicts, each with a `type`, is needed as custom_hooks, got {custom!r}: look at {path}.')
    hooks = {f'default_hooks.{name}': hook for name, hook in (cfg.get('default_hooks') or {}).items() if hook is not None}
    hooks |= {f'custom_hooks.{i}': hook for i, hook in enumerate(custom or ())}
    for place, hook in hooks.items():
        if hook is None or isinstance(hook, _PLAIN + (list, tuple)):
            raise PreflightError(f'A dict with a `type` is needed as {place}, got {hook!r}: look at {path} or --cfg-options.')
        folder = hook.get('out_dir') if isinstance(hook, dict) else None
        if folder is not None and not isinstance(folder, str | Path):
            raise PreflightError(f'A folder is needed as out_dir, got {folder!r}: look at {place} of {path} or --cfg-options.')
