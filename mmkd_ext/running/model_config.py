"""The config of a tool that builds a model without mmengine's runner."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmkd_ext.config.cfg_options import merge_options
from mmkd_ext.config.load_config import load_config
from mmkd_ext.errors import PreflightError


def model_config(path: str, options: Mapping[str, Any] | None) -> Config:
    """Read a config with `--cfg-options`, and import what its `custom_imports` name.

    Raises:
        PreflightError: It cannot be read, or has no dict `model`.
    """
    cfg = load_config(path)
    merge_options(cfg, options, path)
    if not isinstance(cfg.get('model'), dict):
        got = 'none' if cfg.get('model') is None else repr(cfg.model)
        raise PreflightError(f'A config with a dict `model` is needed, got {got}: look at {path}.')
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    return cfg
