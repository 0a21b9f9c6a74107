"""The classes of a frozen teacher, told in those of its student. N samples, T classes of the teacher, K of the student."""

from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SOFTMAX, VALUES

from .class_list import ClassList, matches

NEVER = -1e4  # the logit of a class that the teacher does not know: probability 0 at any temperature, finite in half precision
_SHOWN = 5


class LabelSpace:
    """A mapping from a teacher's classes to its student's: its logits (N, T) become logits (N, K).

    Logits of a softmax are restricted to the teacher's classes that have one of the student's, whose probabilities so add up to 1; of
    several that become one the probabilities are added (the logsumexp of their logits). Of a sigmoid for each class the highest counts.
    A student's class without any of the teacher's has probability 0.

    Without `classes` both sides are compared by their names, where they are known: the same names at other places, and a student of some
    of the teacher's classes, are mapped; nothing is where no name is the same, or, with as many classes on both sides, not every one is.

    Args:
        teacher: Its name, for messages.
        classes: None; or teacher's class -> student's class, each a name, a WordNet id or an index; or a list with one entry for each of
            the student's classes: a class of the teacher, a list of them, or None.
        allow_unmapped: Whether losses may compare logits although classes of the student have none of the teacher's.
        theirs: Names of the teacher's classes, where they are known.

    Raises:
        ValueError: `classes` is no dict and no list; later, at the first logits, it names no class, or one at two places.

    Example:
        >>> import torch
        >>> space = LabelSpace('t', {'tabby': 'cat', 'tiger cat': 'cat', 'beagle': 'dog'}, theirs=['beagle', 'tabby', 'tiger cat', 'car'])
        >>> space.tell(2, ['cat', 'dog'])
        >>> logits = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
        >>> space(Outputs((), torch.zeros(1, 8), logits)).logits.softmax(dim=1)
        tensor([[0.5556, 0.4444]])
    """

    def __init__(self, teacher: str, classes: Any = None, allow_unmapped: bool = False, theirs: Sequence[str] | None = None) -> None:
        if classes is not None and (isinstance(classes, str) or not isinstance(classes, Mapping | Sequence) or not classes):
            raise ValueError(
                f"The teacher {teacher} needs classes to be a dict of its classes to the student's, or a list with one of its classes for "
                f'each of the student, got {classes!r}.')
        if not isinstance(allow_unmapped, bool):
            raise ValueError(f'The teacher {teacher} needs allow_unmapped to be True or False, got {allow_unmapped!r}.')
        self.teacher, self.classes, self.allow_unmapped = teacher, classes, allow_unmapped
        self.theirs = None if theirs is None else ClassList(theirs)
        self.mine: ClassList | None = None
        self.count: int | None = None
        self.groups: list[list[int]] | None = None  # of each of the student's classes
        self._table: Tensor | None = None
        self._resolved = self._warned = False

    def tell(self, count: int, names: Sequence[str] | None = None) -> None:
        """Tell the number of the student's classes and, where they are known, their names; before the first logits."""
        self.count = count
        self.mine = ClassList(names) if names is not None and len(names) == count else None
        self._resolved = False

    def __call__(self, said: Outputs) -> Outputs:
        """The same with logits (N, K); as they are where nothing is mapped."""
        if not self._resolved:
            self._resolve(said.logits.shape[1], said.scores or SOFTMAX)
        if self.groups is None:
            return said
        tokens = None if said.token_logits is None else self._mapped(said.token_logits, said.scores)
        return said._replace(logits=self._mapped(said.logits, said.scores), token_logits=tokens)

    @property
    def unmapped(self) -> list[str]:
        """The student's classes that have none of the teacher's, by name where it is known."""
        without = [k for k, group in enumerate(self.groups or []) if not group]
        return [repr(self.mine.names[k]) if self.mine else str(k) for k in without]

    def check_loss(self, name: str, loss: Any) -> None:
        """Whether a loss can do without the classes that the teacher does not know; one that reads features is warned of.

        Raises:
            ValueError: It compares logits, and `allow_unmapped` is not set or of no use to it.
        """
        unmapped = self.unmapped
        if not unmapped:
            return
        text = (
            f'a class of the teacher {self.teacher} for each of the {len(self.groups or [])} classes of the student, got none for '
            f'{len(unmapped)} of them: {_some(unmapped)}')
        if loss.reads('logits') and not self.allow_unmapped:
            raise ValueError(
                f'losses.{name} compares logits and needs {text}. Map them by classes of the teacher, or set allow_unmapped=True: it then '
                'gives them probability 0.')
        if loss.reads('logits') and not loss.takes_unmapped:
            raise ValueError(
                f'losses.{name} compares z-scores, among which a class of probability 0 decides all others, and needs {text}. Map them by '
                'classes of the teacher, or leave out standardise.')
        if not self._warned:
            self._warned = True
            print_log(f'losses.{name} would need {text}. Of these classes it learns nothing, or what is wrong.', 'current', WARNING)

    def _mapped(self, logits: Tensor, scores: str | None) -> Tensor:
        """(N, T) -> (N, K)."""
        if self._table is None or self._table.device != logits.device:
            groups = self.groups or []
            most = max(map(len, groups))
            self._table = torch.tensor([[*group, *[-1] * (most - len(group))] for group in groups], device=logits.device)
        table = self._table
        if table.shape[1] == 1:
            picked = logits[:, table[:, 0].clamp(min=0)]
        else:
            several = logits[:, table.clamp(min=0)].to(torch.promote_types(logits.dtype, torch.float32))
            several = several.masked_fill(table < 0, -torch.inf)
            picked = several.logsumexp(dim=2) if scores is None else several.amax(dim=2)
        return picked.masked_fill(table[:, 0] < 0, NEVER)

    def _resolve(self, width: int, scores: str) -> None:
        self._resolved, self._table, self.groups = True, None, None
        if self.theirs is not None and len(self.theirs.names) != width:
            self.theirs = None  # of another head
        groups = self._by_name(width) if self.classes is None else self._as_given(width)
        if groups is None or groups == [[k] for k in range(width)]:
            return
        if scores == VALUES:
            raise ValueError(f'The teacher {self.teacher} needs classes to be left out, since its outputs are values of a regression.')
        self.groups = groups
        kept = sum(map(len, groups))
        print_log(
            f"The teacher {self.teacher}: {kept} of its {width} classes are mapped to {len(groups) - len(self.unmapped)} of the student's "
            f'{len(groups)}, {"by their names" if self.classes is None else "as its classes say"}.', 'current')

    def _by_name(self, width: int) -> list[list[int]] | None:
        if self.mine is None or self.theirs is None or self.mine.names == self.theirs.names:
            return None
        found = matches(self.mine, self.theirs)
        known = sum(place is not None for place in found)
        if not known or (known < len(found) == width and not self.allow_unmapped):
            return None  # the checks before a run compare the names once more
        return [[] if place is None else [place] for place in found]

    def _as_given(self, width: int) -> list[list[int]]:
        if isinstance(self.classes, Mapping):
            pairs = [(self._theirs(a, width), self._mine(b)) for a, b in self.classes.items()]
            count = 1 + max(b for _, b in pairs) if self.count is None else self.count
            groups: list[list[int]] = [[] for _ in range(count)]
            for a, b in pairs:
                groups[b].append(a)
        else:
            given: Any = self.classes
            if self.count is not None and len(given) != self.count:
                raise ValueError(
                    f"The teacher {self.teacher} needs classes with one entry for each of the student's {self.count} classes, got "
                    f'{len(given)}: a class of the teacher, a list of them, or None.')
            groups = [[self._theirs(a, width) for a in _listed(entry)] for entry in given]
        taken: dict[int, int] = {}
        for k, group in enumerate(groups):
            for place in group:
                if taken.setdefault(place, k) != k or group.count(place) > 1:
                    name = self.theirs.names[place] if self.theirs else place
                    raise ValueError(
                        f'The teacher {self.teacher} needs each of its classes for one of the student at most, got {name!r} for '
                        f'{"two" if taken[place] != k else f"class {k} twice"}. Look at its classes.')
        if not taken:
            raise ValueError(f'The teacher {self.teacher} needs classes to map one of its classes at least, got {self.classes!r}.')
        return groups

    def _theirs(self, word: Any, width: int) -> int:
        return self._place(word, self.theirs, width, f'of the teacher {self.teacher}', 'Its checkpoint names none')

    def _mine(self, word: Any) -> int:
        return self._place(word, self.mine, self.count, 'of the student', 'The data name none (metainfo.classes)')

    def _place(self, word: Any, known: ClassList | None, count: int | None, whose: str, silent: str) -> int:
        """The index of a class.

        Raises:
            ValueError: It is none.
        """
        where = f'Look at classes of the teacher {self.teacher}.'
        if isinstance(word, int) and not isinstance(word, bool):
            if word < 0 or (count is not None and word >= count):
                raise ValueError(f'A class {whose} needs to lie in 0..{"" if count is None else count - 1}, got {word}. {where}')
            return word
        if not isinstance(word, str):
            raise ValueError(f'A class {whose} needs to be a name, a WordNet id or an index, got {word!r}. {where}')
        if known is None:
            raise ValueError(f'A class {whose} needs to be an index, got {word!r}. {silent}. {where}')
        places = known.places(word)
        if len(places) == 1:
            return places[0]
        near = known.near(word)
        hint = f' Did you mean {" or ".join(near)}?' if near else ''
        raise ValueError(
            f'A class {whose} needs to be one of {_some(known.names)}, got {word!r}'
            + (f', which stands for several ({_some(places)}): give the index. {where}' if places else f'.{hint} {where}'))


def _listed(entry: Any) -> Sequence[Any]:
    return () if entry is None else entry if isinstance(entry, list | tuple) else (entry,)


def _some(words: Sequence[Any]) -> str:
    return ', '.join(map(str, words[:_SHOWN])) + (', ...' if len(words) > _SHOWN else '')
