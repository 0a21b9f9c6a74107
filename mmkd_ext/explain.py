"""Errors of the host and of our modules in one sentence."""

import difflib
import os
import re
import traceback
from pathlib import Path

import mmengine.registry
from mmengine.registry import DefaultScope, Registry

_OURS = str(Path(__file__).resolve().parent) + os.sep


def one_line(error: BaseException) -> str:
    """Kind and text of an error on one line; a KeyError's text comes without its quotes."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f'{type(error).__name__}: {" ".join(text.split())}'.rstrip(': .')


def sentence(error: BaseException) -> str | None:
    """The sentence for an error that a user can mend, or None for one that needs its traceback.

    Explained are: a type that no registry knows, an error that our own code raised on purpose, and arguments that a
    type's constructor refuses.
    """
    text = one_line(error)
    unknown = re.search(r'(\S+) is not in the (?:\S+?::)?([\w ]+?) registry', text)
    if isinstance(error, KeyError) and unknown:
        return _unknown_type(*unknown.groups())
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames:
        return None
    on_purpose = isinstance(error, ValueError | TypeError | FloatingPointError)
    if on_purpose and os.path.abspath(frames[-1].f_code.co_filename).startswith(_OURS):
        return ' '.join(str(error).split())
    builders = [frame for frame in frames if frame.f_code.co_name == 'build_from_cfg']
    if builders and isinstance(error, ValueError | TypeError | KeyError | AssertionError):
        kind = builders[-1].f_locals.get('obj_type')
        return (
            f'Arguments that {kind} takes are needed, got {text}. Look at type={kind!r} in the config '
            'or in --cfg-options (MMKD_TRACEBACK=1 shows more).'
        )
    return None


def check_known(registry: Registry, name: object) -> None:
    """Refuse a type's name that the host would fail on with a riddle.

    Raises:
        KeyError: As the host's own `build` raises it.
    """
    with registry.switch_scope_and_registry(None) as found:
        if isinstance(name, str) and found.get(name) is None:
            raise KeyError(f'{name} is not in the {found.scope}::{found.name} registry')


def _unknown_type(name: str, registry_name: str) -> str:
    registry = next(
        (r for r in vars(mmengine.registry).values() if isinstance(r, Registry) and r.name == registry_name), None
    )
    known = sorted(_names(registry)) if registry is not None else []
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f'Did you mean {" or ".join(close)}?' if close else 'Look at its spelling, its prefix and custom_imports.'
    return f'A registered {registry_name} type is needed, got {name!r}, which no {registry_name} registry knows. {hint}'


def _names(registry: Registry) -> set[str]:
    """Names in a root registry and its children, as a config of the default scope writes them."""
    names = set(registry.module_dict)
    default = DefaultScope.get_current_instance()
    for scope, child in registry.children.items():
        bare = default is not None and scope == default.scope_name
        names |= {name if bare else f'{scope}.{name}' for name in child.module_dict}
    return names
