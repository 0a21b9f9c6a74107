"""PreflightError, and checks of arguments that say what was needed and what was got."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


class PreflightError(ValueError):
    """A run that cannot work; the text is all that a user needs."""


def check_numbers(owner: str, least: float = 0, below: float = math.inf, /, **values: Any) -> None:
    """Raise a ValueError unless all values are finite numbers in least <= value < below; the weights of terms are >= 0."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < below:
            upper = '' if below == math.inf else f' and < {below:g}'
            raise ValueError(f'{owner} needs {name} to be a finite number >= {least:g}{upper}, got {value!r}.')


def check_given(owner: str, /, **values: Any) -> None:
    """Raise a ValueError where a value is None; the checks below take it for an option that is left out."""
    for name, value in values.items():
        if value is None:
            raise ValueError(f'{owner} needs {name}, got None.')


def check_whole(owner: str, least: int | None = 1, /, **values: Any) -> None:
    """Raise a ValueError unless all values are whole numbers >= least, or None."""
    for name, value in values.items():
        if value is not None and not _is_whole(value, least):
            raise ValueError(f'{owner} needs {name} to be a whole number{_at_least(least)}, got {value!r}.')


def check_wholes(owner: str, least: int | None = None, /, **values: Any) -> None:
    """Raise a ValueError unless all values are lists of whole numbers, each >= least, or None."""
    for name, value in values.items():
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if value is not None and not (is_list and all(_is_whole(x, least) for x in value)):
            raise ValueError(f'{owner} needs {name} to be a list of whole numbers{_at_least(least)}, got {value!r}.')


def _is_whole(value: Any, least: int | None) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and (least is None or int(value) >= least)


def _at_least(least: int | None) -> str:
    return '' if least is None else f' >= {least}'
