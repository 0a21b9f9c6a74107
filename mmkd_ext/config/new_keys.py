"""Keys that `--cfg-options` adds to a config: mmengine takes any, so that a misspelt one changes nothing and says nothing."""

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from .value_types import arguments_of, called_with

_ALIKE = 0.8  # of difflib, 0 to 1


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
        known = {name for kind in kinds for name in arguments_of(kind)} - {'self'}
        named = not kinds and isinstance(part.get(key), Mapping) and 'type' in part[key]  # such as a further loss
        if key in known or named:
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
