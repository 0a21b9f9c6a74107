"""What distinguishes configs, key by key; a distiller's student is compared with a network that is trained alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_LONGEST = 300  # characters of a value
_ABSENT = '—'
# of the run alone, or followed from what is listed anyway
_LEFT_OUT = ('data_preprocessor.', 'test_dataloader.', 'test_evaluator', 'custom_imports.', 'visualizer.', 'vis_backends')


class Difference(NamedTuple):
    """A key and its value in every config, as text."""

    key: str
    values: list[str]


def differences(contents: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """The keys whose values differ among configs, sorted; what a config has not is a dash.

    A model that has a `student` is compared by it; what is beside it stands under `model (beside the student)`.

    Example:
        >>> differences([{'model': {'depth': 8}}, {'model': {'type': 'D', 'student': {'depth': 20}}}])[0]
        Difference(key='model (beside the student).type', values=['—', "'D'"])
    """
    flat = [_flat(_unwrapped(each)) for each in contents]
    keys = sorted({key for each in flat for key in each if not key.startswith(_LEFT_OUT)})
    rows = [Difference(key, [each.get(key, _ABSENT) for each in flat]) for key in keys]
    return [row for row in rows if len(set(row.values)) > 1]


def _unwrapped(content: Mapping[str, Any]) -> dict[str, Any]:
    model = content.get('model')
    if not isinstance(model, Mapping) or 'student' not in model:
        return dict(content)
    beside = {key: value for key, value in model.items() if key != 'student'}
    return {**content, 'model': model['student'], 'model (beside the student)': beside}


def _flat(value: Any, where: str = '') -> dict[str, str]:
    """Dotted key -> text; lists of dicts with types by their place, other lists whole."""
    if isinstance(value, Mapping) and value:
        return {key: text for name, each in value.items() for key, text in _flat(each, f'{where}.{name}' if where else str(name)).items()}
    if isinstance(value, list | tuple) and value and all(isinstance(each, Mapping) for each in value):
        return {key: text for i, each in enumerate(value) for key, text in _flat(each, f'{where}[{i}]').items()}
    text = repr(value)
    return {where: text if len(text) <= _LONGEST else f'{text[:_LONGEST]} ...'}
