"""A pickle reader that executes nothing: no import, and no call but of the constructors in an explicit table.

Python's own unpickler, and torch's `weights_only` one, call what a file names, with the arguments that the file gives, out of lists that
any package in the process may widen. Here a small machine of its own goes through the instructions. A name that the file gives is looked
up in one table and is otherwise an empty label (`Name`), which can be stored but not called; only an array, a number format, an
`OrderedDict`, a `HistoryBuffer` and an `argparse.Namespace` can be given a state, each in its own way.
"""

import argparse
import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from .plain_objects import PLAIN, STATES, Name, Refused, refused

Makers = Mapping[Name, Callable[..., Any]]
_DEEPEST = 100  # tuples in one another


def read_pickle(
    file: BinaryIO, makers: Makers, values: Mapping[Name, Any], stored: Callable[[Any], Any] | None = None
) -> Any:
    """Read one pickle from where `file` stands; afterwards the file stands behind it.

    Args:
        file: Opened for reading bytes.
        makers: Of more objects than `PLAIN` has: what is called for a name, with the file's arguments.
        values: What a name stands for that is only stored, never called here.
        stored: What a persistent id means; None: there are none.

    Raises:
        Refused: It asks for more than data.
        Exception: Whatever a damaged pickle leads to.
    """
    return _Machine({**PLAIN, **makers}, values, stored).run(file)


class _Machine:
    """The stack of a pickle, its marks and its memory."""

    def __init__(self, makers: Makers, values: Mapping[Name, Any], stored: Callable[[Any], Any] | None) -> None:
        self.makers, self.values, self.stored = makers, values, stored
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: dict[int, Any] = {}

    def run(self, file: BinaryIO) -> Any:
        argument: Any
        for code, argument, _ in pickletools.genops(file):
            name = code.name
            if name == 'STOP':
                break
            if name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name]())
            elif name in _LITERALS:
                self.stack.append(argument)
            elif name in ('PUT', 'BINPUT', 'LONG_BINPUT'):
                self.memory[argument] = self.stack[-1]
            elif name in ('GET', 'BINGET', 'LONG_BINGET'):
                self.stack.append(self.memory[argument])
            elif name == 'GLOBAL':
                self._name(*argument.split(' ', 1))
            elif name in _INSTRUCTIONS:
                _INSTRUCTIONS[name](self)
            elif name not in ('PROTO', 'FRAME'):
                raise Refused(f'it holds the instruction {name}, which no checkpoint needs, and is not opened')
        return _without_names(self.stack.pop())

    def since_mark(self) -> list[Any]:
        at = self.marks.pop()
        found, self.stack[at:] = self.stack[at:], []
        return found

    def _name(self, module: str, name: str) -> None:
        called = Name('builtins' if module == '__builtin__' else module, name)
        self.stack.append(self.values.get(called, called))

    def global_(self) -> None:
        module, name = self.stack[-2:]
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused('it holds a name that is no text, and is not opened')
        del self.stack[-2:]
        self._name(module, name)

    def memorise(self) -> None:
        self.memory[len(self.memory)] = self.stack[-1]

    def call(self) -> None:
        what, arguments = self.stack[-2:]
        if not isinstance(what, Name) or what not in self.makers:
            raise refused(what) if isinstance(what, Name) else Refused('it calls what it has made, and is not opened')
        made = self.makers[what](*arguments)
        self.stack[-2:] = [self.values.get(made, made) if isinstance(made, Name) else made]

    def stored_(self) -> None:
        if self.stored is None:
            raise Refused('it refers to what is not in it, and is not opened')
        self.stack.append(self.stored(self.stack.pop()))

    def state(self) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        setter = STATES.get(type(made))
        if setter is None:
            raise Refused(f'it gives a state to a {type(made).__name__}, and is not opened')
        setter(made, state)

    def append(self, *items: Any) -> None:
        target = self.stack[-1]
        if type(target) is list:
            target.extend(items)
        elif type(target) is set:
            target.update(items)
        else:
            raise Refused(f'it appends to a {type(target).__name__}, and is not opened')

    def fill(self, *items: Any) -> None:
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise Refused(f'it sets items of a {type(target).__name__}, and is not opened')
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def make(self, kind: Callable[[list[Any]], Any]) -> None:
        self.stack.append(kind(self.since_mark()))

    def tuple_of(self, number: int) -> None:
        self.stack[-number:] = [_shallow_tuple(self.stack[-number:])]


def _shallow_tuple(items: list[Any]) -> tuple[Any, ...]:
    """A tuple that can be the key of a dict: hashing one that is nested thousands of times ends the process."""
    made = tuple(items)
    layer, depth = [made], 0
    while layer:
        layer = [*{id(each): each for outer in layer for each in outer if isinstance(each, tuple)}.values()]
        depth += 1
        if depth > _DEEPEST:
            raise Refused(f'it holds tuples in tuples, more than {_DEEPEST} times, which no checkpoint needs, and is not opened')
    return made


_CONSTANTS: dict[str, Callable[[], Any]] = {
    'NONE': lambda: None, 'NEWTRUE': lambda: True, 'NEWFALSE': lambda: False,
    'EMPTY_TUPLE': tuple, 'EMPTY_LIST': list, 'EMPTY_DICT': dict, 'EMPTY_SET': set,
}  # fmt: skip
_LITERALS = {
    'INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'FLOAT', 'BINFLOAT', 'STRING', 'BINSTRING', 'SHORT_BINSTRING',
    'UNICODE', 'BINUNICODE', 'SHORT_BINUNICODE', 'BINUNICODE8', 'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8', 'BYTEARRAY8',
}  # fmt: skip
_INSTRUCTIONS: dict[str, Callable[[_Machine], Any]] = {
    'MARK': lambda m: m.marks.append(len(m.stack)),
    'POP': lambda m: m.stack.pop(),
    'POP_MARK': lambda m: m.since_mark(),
    'DUP': lambda m: m.stack.append(m.stack[-1]),
    'TUPLE': lambda m: m.make(_shallow_tuple),
    'LIST': lambda m: m.make(list),
    'DICT': lambda m: m.make(lambda items: dict(zip(items[::2], items[1::2], strict=True))),
    'FROZENSET': lambda m: m.make(frozenset),
    'TUPLE1': lambda m: m.tuple_of(1),
    'TUPLE2': lambda m: m.tuple_of(2),
    'TUPLE3': lambda m: m.tuple_of(3),
    'APPEND': lambda m: m.append(m.stack.pop()),
    'APPENDS': lambda m: m.append(*m.since_mark()),
    'ADDITEMS': lambda m: m.append(*m.since_mark()),
    'SETITEM': lambda m: m.fill(*[m.stack.pop(), m.stack.pop()][::-1]),
    'SETITEMS': lambda m: m.fill(*m.since_mark()),
    'STACK_GLOBAL': _Machine.global_,
    'MEMOIZE': _Machine.memorise,
    'REDUCE': _Machine.call,
    'NEWOBJ': _Machine.call,  # makers of classes take the same arguments
    'BUILD': _Machine.state,
    'BINPERSID': _Machine.stored_,
}


def _without_names(found: Any) -> Any:
    """The same, if no label is left in it."""
    waiting, seen = [found], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, Name):
            raise refused(each)
        if isinstance(each, dict | list | tuple | set | frozenset | argparse.Namespace) and id(each) not in seen:
            seen.add(id(each))
            parts = vars(each) if isinstance(each, argparse.Namespace) else each
            waiting.extend([*parts.keys(), *parts.values()] if isinstance(parts, dict) else parts)
    return found
