"""TeacherEnsemble: several frozen classifiers as one teacher. N samples, K classes, M teachers."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from mmkd_ext.config.named_types import type_name
from mmkd_ext.errors import check_numbers
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.scores import SIGMOID, SOFTMAX
from mmkd_ext.models.zoo.spec import KEYS
from mmkd_ext.models.zoo.teacher_record import Record
from mmkd_ext.registry import MODELS

from .frozen_teacher import FrozenTeacher

_WAYS = ('mean', 'confidence')


def frozen_teacher(spec: Any, *args: Any) -> Any:
    """The teacher of a spec, which is a `FrozenTeacher`'s or `dict(type='mmkd_ext.TeacherEnsemble', ...)`; `args` as there."""
    if not is_ensemble(spec):
        return FrozenTeacher(spec, *args)
    options = {key: value for key, value in spec.items() if key not in ('type', '_scope_')}
    strange = set(options) - {'teachers', 'weights', 'by'}
    if strange:
        raise ValueError(
            f'A TeacherEnsemble needs teachers, weights and by, got {", ".join(sorted(strange))} too. What is for one network, such as '
            'checkpoint, precision or classes, stands in its entry of teachers.')
    members: Any = options.get('teachers')
    return TeacherEnsemble(members, options.get('weights'), options.get('by', 'mean'), *args)


def is_ensemble(spec: Any) -> bool:
    """Whether a spec of a teacher is one of several as one."""
    return isinstance(spec, Mapping) and type_name(spec.get('type')) == 'TeacherEnsemble'


def specs_by_name(teacher: str | Mapping[str, Any]) -> dict[str, Any]:
    """The specs of a distiller's teachers; one without a name is called `teacher`."""
    if isinstance(teacher, Mapping) and not is_ensemble(teacher):
        if isinstance(teacher.get('type'), str | type):
            return {'teacher': {'model': teacher}}  # a model's config, which then asks for its checkpoint
        if not {'model', *KEYS} & set(teacher):
            return dict(teacher)
    return {'teacher': teacher}


@MODELS.register_module()
class TeacherEnsemble:
    """Several frozen classifiers that are followed as one; each is a `FrozenTeacher`, with all that holds for it.

    Their logits become one's: by 'mean' the logarithm of the (weighted) mean of their probabilities, of which losses take the softmax at
    their own temperature; by 'confidence' for each sample those of the teacher whose likeliest class is likeliest. Of heads for several
    labels there is the mean only. Stages and embedding are the first teacher's, whatever the weights, so that a loss of features, and
    class means, follow that one alone.

    Args:
        teachers: Specs of two or more, see `FrozenTeacher`; their classes are the student's, or are mapped to them, each on its own.
        weights: A number of 0 or more for each, of which the shares count; None: the same. With 'mean' only.
        by: 'mean' or 'confidence'.
        student_preprocessor: See `FrozenTeacher`.
        channel_order: Likewise.
        kind: Likewise.

    Raises:
        ValueError: As `FrozenTeacher`; fewer than two teachers, weights that are none, an unknown `by`, detectors, or, when they are
            first asked, teachers of different classes or scores.

    Example:
        >>> import torch
        >>> random = dict(num_classes=10, checkpoint=None, allow_random=True)  # in earnest with weights, such as 'torchvision/resnet34'
        >>> ensemble = TeacherEnsemble([dict(model='cifar/resnet8', **random), dict(model='cifar/resnet14', **random)], weights=[1, 3])
        >>> ensemble(torch.zeros(2, 3, 32, 32)).logits.exp().sum(dim=1).round(decimals=4)
        tensor([1., 1.])
    """

    def __init__(
        self,
        teachers: Sequence[Any],
        weights: Sequence[float] | None = None,
        by: str = 'mean',
        student_preprocessor: nn.Module | None = None,
        channel_order: str | None = None,
        kind: type[Kind] | None = None,
    ) -> None:
        if not isinstance(teachers, list | tuple) or len(teachers) < 2 or any(map(is_ensemble, teachers)):
            raise ValueError(f'A TeacherEnsemble needs teachers=[spec, spec, ...] of two or more single networks, got {teachers!r}.')
        if by not in _WAYS:
            raise ValueError(f'A TeacherEnsemble needs by of {" or ".join(map(repr, _WAYS))}, got {by!r}.')
        self._shares = _shares(weights, len(teachers), by)
        self.by = by
        self.teachers = [FrozenTeacher(spec, student_preprocessor, channel_order, kind) for spec in teachers]
        if not all(each.reader.shares_samples for each in self.teachers):
            raise ValueError(
                f'A TeacherEnsemble joins classifiers, got {self.teachers[0].reader.called}: give each a name, teacher=dict(a=..., b=...).')
        self.name = ' + '.join(each.name for each in self.teachers)
        self.labels = _LabelsOfAll(self.teachers)
        self.record = Record()  # of the whole nobody noted anything
        self.num_classes: int | None = None
        self.input_size = None  # each has its own

    @torch.no_grad()
    def __call__(
        self, inputs: Tensor, samples: Sequence[Any] | None = None, places: Any = None, once: bool = False, swapped: bool = False
    ) -> Outputs:
        """What all of them say about images (N, C, H, W) as one, see `FrozenTeacher`."""
        return self.look(inputs, samples, once, swapped)

    @torch.no_grad()
    def look(self, inputs: Tensor, samples: Sequence[Any] | None = None, once: bool = False, swapped: bool = False) -> Outputs:
        """The same."""
        return self._joined([each.look(inputs, samples, once, swapped) for each in self.teachers])

    def answer(self, features: Outputs, places: Any) -> Outputs:
        """As they are: every image is a sample."""
        return features

    @torch.no_grad()
    def predict(self, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """The samples with the joined predictions, as an evaluator takes them."""
        return self.teachers[0].reader.predict(self, inputs, samples)

    @property
    def readers(self) -> tuple[Kind, ...]:
        """All networks, read as their kind."""
        return tuple(each.reader for each in self.teachers)

    def fingerprint(self) -> str:
        """A digest of all weights and of how they are joined."""
        parts = [*(each.fingerprint() for each in self.teachers), self.by, repr(self._shares.tolist())]
        return hashlib.sha256(' '.join(parts).encode()).hexdigest()

    @property
    def network(self) -> nn.Module:
        """All networks as one, for measuring."""
        return _Each(self.teachers)

    @property
    def precision(self) -> str | None:
        """Of the embedding."""
        return self.teachers[0].precision

    @property
    def view(self) -> tuple[Any, ...]:
        """Of the embedding, see `FrozenTeacher`."""
        return self.teachers[0].view

    @property
    def order(self) -> str | None:
        """In which channels come, where all have one order."""
        orders = {each.order for each in self.teachers}
        return orders.pop() if len(orders) == 1 else None

    def _joined(self, said: list[Outputs]) -> Outputs:
        found = {(each.logits.shape[1], each.scores or SOFTMAX) for each in said}
        if len(found) > 1 or said[0].scores not in (None, SIGMOID):
            heads = ', '.join(
                f'{x.name}: {each.logits.shape[1]} of {each.scores or SOFTMAX}' for x, each in zip(self.teachers, said, strict=True))
            raise ValueError(
                f'A TeacherEnsemble needs teachers of the same classes with a softmax, or with a sigmoid for each class, got {heads}. '
                "Their classes become the student's by teachers=[dict(model=..., classes=...), ...].")
        logits = torch.stack([each.logits.to(torch.promote_types(each.logits.dtype, torch.float32)) for each in said])  # (M, N, K)
        if said[0].scores == SIGMOID:
            if self.by != 'mean':
                raise ValueError("A TeacherEnsemble of heads for several labels needs by='mean', got by='confidence'.")
            return said[0]._replace(logits=self._log_mean(logsigmoid(logits)) - self._log_mean(logsigmoid(-logits)), token_logits=None)
        logs = logits.log_softmax(dim=2)
        if self.by == 'mean':
            return said[0]._replace(logits=self._log_mean(logs), token_logits=None)
        surest = logs.amax(dim=2).argmax(dim=0)  # (N,)
        return said[0]._replace(logits=logits[surest, torch.arange(len(surest), device=surest.device)], token_logits=None)

    def _log_mean(self, logs: Tensor) -> Tensor:
        """Logarithm of the weighted mean of what has these logarithms (M, N, K)."""
        return (logs + self._shares.log().to(logs)[:, None, None]).logsumexp(dim=0)

    def __deepcopy__(self, memo: dict) -> 'TeacherEnsemble':
        """The same one: it never changes."""
        return self

    def __repr__(self) -> str:
        return f'TeacherEnsemble({self.name})'


class _LabelsOfAll:
    """The `LabelSpace`s of several teachers."""

    def __init__(self, teachers: Sequence[FrozenTeacher]) -> None:
        self.spaces = [each.labels for each in teachers]

    def tell(self, count: int, names: Sequence[str] | None = None) -> None:
        for each in self.spaces:
            each.tell(count, names)

    def check_loss(self, name: str, loss: Any) -> None:
        for each in self.spaces:
            each.check_loss(name, loss)

    @property
    def groups(self) -> list[Any] | None:
        found = [each.groups for each in self.spaces]
        return None if all(each is None for each in found) else found

    @property
    def unmapped(self) -> list[str]:
        return sorted({name for each in self.spaces for name in each.unmapped})


class _Each(nn.Module):
    """Networks that run one after another."""

    def __init__(self, teachers: Sequence[FrozenTeacher]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(each.network for each in teachers)

    def forward(self, inputs: Tensor) -> list[Any]:
        return [network(inputs) for network in self.networks]


def _shares(weights: Any, count: int, by: str) -> Tensor:
    """(M,) in float64, which add up to 1."""
    if weights is None:
        return torch.full((count,), 1 / count, dtype=torch.float64)
    if by != 'mean':
        raise ValueError(f"A TeacherEnsemble takes weights with by='mean' only, got weights={weights!r} with by={by!r}.")
    if not isinstance(weights, list | tuple) or len(weights) != count:
        raise ValueError(f'A TeacherEnsemble needs weights=[...] with a number for each of its {count} teachers, got {weights!r}.')
    for i, weight in enumerate(weights):
        check_numbers('A TeacherEnsemble', **{f'weights[{i}]': weight})
    if not sum(weights) > 0:
        raise ValueError(f'A TeacherEnsemble needs one weight above 0 at least, got {weights!r}.')
    return torch.tensor(weights, dtype=torch.float64) / sum(weights)
