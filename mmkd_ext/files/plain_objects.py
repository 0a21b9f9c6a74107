"""The list of the types that a pickle may make when it is read safely."""

import argparse
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mmengine.logging import HistoryBuffer


class Name(NamedTuple):
    """A global (module and name) in a pickle. It is never imported, only looked up in the table of makers."""

    module: str
    name: str


class Refused(ValueError):
    """A pickle that asks for more than data; the text continues 'cannot be used: '."""


def refused(name: Name) -> Refused:
    """The sentence for something that is not data."""
    module = name.module.removeprefix('builtins')
    return Refused(f'it holds a Python object ({module}{module and "."}{name.name}) that could execute code, and is not opened')


def _number_format(text: Any, align: Any = False, copy: Any = True) -> np.dtype:
    text = text.decode('ascii') if isinstance(text, bytes) else text
    if not isinstance(text, str) or not re.fullmatch(r'[<|=]?(?:[biufc]\d{1,2}|b|\?|[SU]\d{1,6})', text):
        raise Refused(f'it holds an array of {text!r}, which are no plain numbers, and is not opened')
    return np.dtype(text, align=False, copy=True)  # type: ignore[call-overload]


def _number_format_state(made: np.dtype, state: Any) -> None:
    if state[1] not in '<|=' or any(part is not None for part in state[2:5]):
        raise Refused('it holds an array of no plain numbers, or of the other byte order, and is not opened')


def _array_state(made: np.ndarray, state: Any) -> None:
    _, shape, kind, fortran, raw = state
    if not isinstance(kind, np.dtype) or not isinstance(raw, bytes):
        raise Refused('it holds an array of no plain numbers, and is not opened')
    made.__setstate__((1, shape, kind, bool(fortran), raw))  # type: ignore[arg-type]


def _scalar(kind: Any, raw: Any) -> Any:
    if not isinstance(kind, np.dtype) or not isinstance(raw, bytes) or len(raw) != kind.itemsize:
        raise Refused('it holds a number that is none, and is not opened')
    return np.frombuffer(raw, kind)[0]


def _array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if kind != Name('numpy', 'ndarray'):
        raise refused(kind) if isinstance(kind, Name) else Refused('it holds an array of an unknown kind, and is not opened')
    return np.empty(0)


def _array_of_bytes(raw: Any, kind: Any, shape: Any, order: Any = 'C', axes: Any = None) -> np.ndarray:
    """An array as Python's fifth protocol writes it."""
    if not isinstance(raw, bytes | bytearray) or not isinstance(kind, np.dtype) or order not in ('C', 'F') or axes is not None:
        raise Refused('it holds an array of no plain numbers, and is not opened')
    return np.frombuffer(bytearray(raw), kind).reshape(shape, order=order)


def _ordered_state(made: OrderedDict, state: Any) -> None:
    metadata = state.get('_metadata')  # versions of a model's layers; anything else could hide the dict's own methods
    if isinstance(metadata, dict):
        made._metadata = metadata  # type: ignore[attr-defined]


def _history_state(made: HistoryBuffer, state: Any) -> None:
    logs, counts = (np.asarray(state[key]) for key in ('_log_history', '_count_history'))
    made.__init__(logs, counts, int(state['max_length']))  # type: ignore[misc]  # its functions are its class's, whatever the file says


def _encoded(text: Any, encoding: Any = 'latin1') -> bytes:
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise Refused('it holds bytes in an unknown form, and is not opened')
    return text.encode('latin1')


def _bytes(text: Any = b'', encoding: Any = 'latin-1') -> bytes:
    return bytes(text) if isinstance(text, bytes | bytearray | list) else _encoded(text, encoding)


def _functions_name(owner: Any, name: Any) -> Name:
    """Older checkpoints hold functions: those of `HistoryBuffer`, and how a one-cycle schedule anneals."""
    if not isinstance(owner, Name) or not isinstance(name, str):
        raise refused(Name('builtins', 'getattr'))
    return Name(owner.module, f'{owner.name}.{name}')


def _slice(*ends: Any) -> slice:
    if not all(isinstance(end, int | None) for end in ends):
        raise Refused('it holds a slice without numbers, and is not opened')
    return slice(*ends)


def _buffer(*_: Any) -> HistoryBuffer:
    return HistoryBuffer()


def _namespace_state(made: argparse.Namespace, state: Any) -> None:
    made.__dict__.update({key: value for key, value in state.items() if isinstance(key, str) and not key.startswith('__')})


STATES: dict[type, Callable[[Any, Any], None]] = {
    OrderedDict: _ordered_state,
    np.ndarray: _array_state,
    HistoryBuffer: _history_state,
    argparse.Namespace: _namespace_state,
    **{kind: _number_format_state for kind in {type(np.dtype(each)) for each in (*np.typecodes['All'], 'S1', 'U1')}},
}

PLAIN: dict[Name, Callable[..., Any]] = {
    Name('collections', 'OrderedDict'): lambda *pairs: OrderedDict(*pairs),
    Name('collections', 'Counter'): lambda *counts: Counter(*counts),
    Name('collections', 'defaultdict'): lambda *factory: {},
    Name('builtins', 'getattr'): _functions_name,
    Name('builtins', 'set'): lambda items=(): set(items),
    Name('builtins', 'frozenset'): lambda items=(): frozenset(items),
    Name('builtins', 'slice'): _slice,
    Name('builtins', 'complex'): lambda real, imaginary=0: complex(real, imaginary),
    Name('builtins', 'bytes'): _bytes,
    Name('builtins', 'bytearray'): lambda *text: bytearray(_bytes(*text)),
    Name('_codecs', 'encode'): _encoded,
    Name('argparse', 'Namespace'): lambda: argparse.Namespace(),
    Name('mmengine.logging.history_buffer', 'HistoryBuffer'): _buffer,
    Name('numpy', 'dtype'): _number_format,
    **{Name(f'numpy.{core}.multiarray', '_reconstruct'): _array for core in ('core', '_core')},
    **{Name(f'numpy.{core}.numeric', '_frombuffer'): _array_of_bytes for core in ('core', '_core')},
    **{Name(f'numpy.{core}.multiarray', 'scalar'): _scalar for core in ('core', '_core')},
}
