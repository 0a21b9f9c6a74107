"""The flag `--cfg-options KEY=VALUE ...` of every command line."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line

from .new_keys import new_keys, warn_of_misspelt
from .value_types import check_value_types

_SPACE = '\0'


class OptionsAction(DictAction):
    """mmengine's action, which says which option cannot be read, and keeps the spaces inside words, such as those of a path."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Add options to those read before.

        Raises:
            ValueError: One without a key, a `=` or balanced brackets.
        """
        for each in values or ():
            key, sign, _ = each.partition('=')
            if not sign or not all(part.strip() for part in key.split('.')):
                raise ValueError(
                    f'{option_string} needs KEY=VALUE, such as train_cfg.max_epochs=3, got {each!r}. Look at the spaces around it.')
            try:
                super().__call__(parser, namespace, [each], option_string)
            except (AssertionError, ValueError) as error:
                raise ValueError(f'{option_string} needs KEY=VALUE with balanced brackets, got {each!r}: {error}.') from error

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        text = val.strip().strip('\'"')
        if not text.startswith(('(', '[')) and ',' not in text:
            return DictAction._parse_int_float_bool(text)
        kept = re.sub(r'\s*([\[\](),])\s*', r'\1', text).replace(' ', _SPACE)  # mmengine takes all spaces out
        return _with_spaces(DictAction._parse_iterable(kept))


def _with_spaces(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_with_spaces, value))
    return value.replace(_SPACE, ' ') if isinstance(value, str) else value


def merge_options(
    cfg: Config, options: Mapping[str, Any] | None, config_path: str | Path, where: str = '--cfg-options'
) -> None:
    """Apply settings by dotted keys, in place; a new key that looks like a misspelt one is a warning.

    Args:
        cfg: The config that they change.
        options: Key to value, or nothing.
        config_path: For the sentence.
        where: Whose options they are, for the sentence.

    Raises:
        PreflightError: A key that is no word, or leads to nowhere in the config.
        ValueError: A word, in the config or the options, where True, False or a number belongs.
    """
    wrong = [key for key in options or {} if not isinstance(key, str)]
    if wrong:
        raise PreflightError(f'{where} need keys that are words, such as train_cfg.max_epochs, got {wrong[0]!r}.')
    new = new_keys(cfg, options or {})
    try:
        cfg.merge_from_dict(dict(options or {}))
    except (KeyError, TypeError, IndexError, AssertionError, AttributeError, ValueError) as error:
        raise PreflightError(
            f'{where} need KEY=VALUE that fit the config, got {options}: {one_line(error)}. '
            f"Look at the key's place in {config_path}."
        ) from error
    warn_of_misspelt(cfg, new, where)
    check_value_types(cfg)
