"""Writing a config as the text of a Python file, checked by reading it back."""

import math
import os
import pprint
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmkd_ext.explain.sentences import one_line

from .named_types import named

HERE = '{{ fileDirname }}'  # by which mmengine names the folder of a config


def written_config(cfg: Config, what: str) -> tuple[str, Config]:
    """The text of a config, and what mmengine reads of it, which says the same.

    Args:
        cfg: Of literals, and of classes where a `type` stands. In strings `HERE` is the folder of the file.
        what: Whose config it is, for the sentence.

    Raises:
        ValueError: It holds what no file of literals can, such as a function as an argument.
    """
    cfg = Config({key: _plain(value, key, what) for key, value in named(cfg).items()})
    reason = ''
    for write in (lambda: cfg.pretty_text, lambda: _literals(cfg)):
        try:
            text = write()
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / 'config.py'
                path.write_text(text, encoding='utf-8')
                read = Config.fromfile(path)
                if _canonical(read).replace(folder, HERE) == _canonical(cfg):
                    return text, read
            reason = 'what is read back is not the same'
        except Exception as error:  # mmengine's writer and reader raise whatever a formatter, a parser or an import does
            reason = one_line(error)
    raise ValueError(f'The config of {what} cannot be written as a file that mmengine reads: {reason}.')


def _canonical(cfg: Config) -> str:
    return pprint.pformat(cfg.to_dict(), width=1_000_000, compact=True)


def _plain(value: Any, where: str, what: str) -> Any:
    """A value in literals."""
    if isinstance(value, dict):
        return {key: _plain(each, f'{where}.{key}', what) for key, each in value.items()}
    if isinstance(value, list | tuple):
        each = [_plain(each, f'{where}[{i}]', what) for i, each in enumerate(value)]
        return tuple(each) if isinstance(value, tuple) else each
    if isinstance(value, set | frozenset):
        return {_plain(each, where, what) for each in value}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), where, what)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    kinds: tuple[Any, ...] = (bool, int, float, complex, str, bytes)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(value)  # of an enumeration its number
    if value is None or value is Ellipsis:
        return value
    raise ValueError(
        f'The config of {what} needs to consist of names, numbers and their like, got {value!r} of type {type(value).__name__} as '
        f'{where}. A class can be written as a `type` only: give {where} by a name.')


def _literals(cfg: Config) -> str:
    """Python that says the same, each string escaped and each number written out."""
    return ''.join(f'{key} = {_literal(value)}\n' for key, value in cfg.to_dict().items())


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return '{' + ', '.join(f'{_literal(key)}: {_literal(each)}' for key, each in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ', '.join(map(_literal, value)) + ']'
    if isinstance(value, tuple):
        return '(' + ''.join(f'{_literal(each)}, ' for each in value) + ')'
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)
