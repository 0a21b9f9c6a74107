"""Classes by their names and, where they are ImageNet's, by their WordNet ids. K classes."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from mmpretrain.datasets.categories import IMAGENET_CATEGORIES, IMAGENET_SIMPLE_CATEGORIES

IMAGENET: tuple[str, ...] = tuple(IMAGENET_CATEGORIES)
_ID = re.compile(r'n\d{8}')


class ClassList:
    """The classes of a network or of data, found by a name, a WordNet id, or another word for them.

    Args:
        names: Of the K classes. WordNet ids may stand for names (class folders); the ids of ImageNet's names are known.

    Example:
        >>> classes = ClassList(IMAGENET)
        >>> classes.places('n01440764'), classes.places('Tinca_tinca'), classes.places('crane')
        ([0], [0], [134, 517])
        >>> ClassList(['cat', 'dog']).near('cta')
        ['cat']
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(map(str, names))
        ids = _ids_of(self.names)
        self._words = [(*([known] if known else []), name, *_synonyms(known, name)) for known, name in zip(ids, self.names, strict=True)]
        self._exact: dict[str, list[int]] = {}
        self._loose: dict[str, list[int]] = {}
        for k, (known, name) in enumerate(zip(ids, self.names, strict=True)):
            for key in {name, known} - {''}:
                self._exact.setdefault(key, []).append(k)
            for key in {_plain(word) for word in self._words[k]}:
                self._loose.setdefault(key, []).append(k)

    def places(self, word: str) -> list[int]:
        """The classes that a word stands for: by its letters, else however it is written."""
        return self._exact.get(word) or self._loose.get(_plain(word)) or []

    def words(self, place: int) -> tuple[str, ...]:
        """What a class is called, the surest first."""
        return self._words[place]

    def near(self, word: str) -> list[str]:
        """Words that look like one that stands for none."""
        return difflib.get_close_matches(_plain(word), self._loose, n=2, cutoff=0.6)


def matches(mine: ClassList, theirs: ClassList) -> list[int | None]:
    """For each of `mine` the place in `theirs` of the class of the same name; None where there is none, or more than one."""
    found = [next(_single(words, theirs), None) for words in map(mine.words, range(len(mine.names)))]
    count = Counter(found)
    return [None if count[k] > 1 else k for k in found]


def _single(words: Sequence[str], theirs: ClassList) -> Iterator[int]:
    for word in words:
        places = theirs.places(word)
        if len(places) == 1:
            yield places[0]


def _plain(word: str) -> str:
    return ' '.join(re.split(r'[\s_-]+', word.lower())).strip()


@cache
def _imagenet_ids() -> dict[str, int]:
    from timm.data import ImageNetInfo  # half a second, which the runs without ImageNet's classes are spared

    return {known: k for k, known in enumerate(ImageNetInfo().label_names())}


def _ids_of(names: tuple[str, ...]) -> list[str]:
    """WordNet ids, '' where there is none."""
    if names in (IMAGENET, tuple(IMAGENET_SIMPLE_CATEGORIES)):
        return list(_imagenet_ids())
    return [name if _ID.fullmatch(name) else '' for name in names]


def _synonyms(known: str, name: str) -> tuple[str, ...]:
    place = _imagenet_ids().get(known) if known else None
    if place is None:
        return ()
    whole = IMAGENET[place]
    return (whole, IMAGENET_SIMPLE_CATEGORIES[place], *(word.strip() for word in whole.split(',')))
