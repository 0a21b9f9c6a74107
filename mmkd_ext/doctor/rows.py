"""Findings of the doctor: rows with a status, one sentence and its figures, and their table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

OK, LOOK, WRONG = 'OK', 'LOOK', 'WRONG'
_RANK = (OK, LOOK, WRONG)


class Row(NamedTuple):
    """A finding.

    Attributes:
        status: 'OK', 'LOOK' (it may be meant so) or 'WRONG'.
        check: What was looked at.
        text: One sentence with figures.
        figures: The same as numbers, for a file.
    """

    status: str
    check: str
    text: str
    figures: Mapping[str, Any] = {}


def worst(statuses: Sequence[str]) -> str:
    """The worst of several; OK of none.

    Example:
        >>> worst(['OK', 'WRONG', 'LOOK'])
        'WRONG'
    """
    return max(statuses, key=_RANK.index, default=OK)


def table(rows: Sequence[Row]) -> str:
    """The rows as lines, and how many there are of each status.

    Example:
        >>> print(table([Row('OK', 'teacher', 'fine.'), Row('LOOK', 'data', 'few.')]))
        OK     teacher  fine.
        LOOK   data     few.
        1 OK, 1 LOOK, 0 WRONG
    """
    width = max((len(row.check) for row in rows), default=0)
    lines = [f'{row.status:<5}  {row.check:<{width}}  {row.text}' for row in rows]
    counts = ', '.join(f'{sum(row.status == status for row in rows)} {status}' for status in _RANK)
    return '\n'.join([*lines, counts])


def some(words: Sequence[Any], most: int = 3) -> str:
    """The first words of a list.

    Example:
        >>> some('abcde')
        'a, b, c, ...'
    """
    return ', '.join(map(str, words[:most])) + (', ...' if len(words) > most else '')
