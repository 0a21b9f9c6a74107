"""Checks of a config's numbers with which a training would go the wrong way or end as NaN at its first iteration."""

import math
from collections.abc import Iterator, Mapping
from typing import Any


def check_numbers(cfg: Mapping[str, Any]) -> None:
    """Of the losses, the normalisation of the images, the parameters' own learning rates and the gradients' clip.

    Args:
        cfg: Of the run.

    Raises:
        ValueError: A loss that is weighed by less than 0 or by no finite number, a standard deviation that is not above 0, a mean that is
            not finite, a multiplier of a parameter's learning rate or decay below 0, or gradients clipped to 0 or less, which stops or
            turns every step.
    """
    for path, part in _dicts(cfg):
        _check(part.get('loss_weight'), f'{path}.loss_weight', 'a weight of 0 or more', 0.0)
        if path.endswith('data_preprocessor'):
            _check(part.get('std'), f'{path}.std', 'standard deviations above 0', math.nextafter(0.0, 1.0))
            _check(part.get('mean'), f'{path}.mean', 'finite means', -math.inf)
        if path.startswith('optim_wrapper.paramwise_cfg'):
            for key in part:
                if str(key).endswith('_mult'):
                    _check(part[key], f'{path}.{key}', 'multipliers of 0 or more', 0.0)
        if path == 'optim_wrapper.clip_grad':
            for key in ('max_norm', 'clip_value'):
                _check(part.get(key), f'{path}.{key}', 'a bound above 0', math.nextafter(0.0, 1.0))


def _check(value: Any, place: str, needed: str, least: float) -> None:
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, int | float) and not (math.isfinite(each) and each >= least):
            raise ValueError(f'A training needs {needed}, got {place.rpartition(".")[2]}={value!r}. Look at {place}.')


def _dicts(cfg: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Dotted path of every dict, and the dict."""
    pending: list[tuple[str, Any]] = [(key, each) for key, each in cfg.items()]
    while pending:
        path, part = pending.pop()
        if isinstance(part, Mapping):
            yield path, part
            pending += [(f'{path}.{key}', each) for key, each in part.items()]
        elif isinstance(part, list | tuple):
            pending += [(f'{path}.{k}', each) for k, each in enumerate(part)]
