"""Checks of a config's values: no text where True, False or a number belongs (Python takes 'maybe' for true)."""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import mmengine.registry
from mmengine.optim import OptimWrapper
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, LogProcessor, Runner, TestLoop, ValLoop
from mmpretrain.models import ClsDataPreprocessor
from torch.utils.data import DataLoader

from mmkd_ext.losses.base import DistillationLoss

# Of an annotation that no word fits: numbers, alone or several.
_NUMBERS = frozenset({
    'bool', 'int', 'float', 'Number', 'Tensor', 'Optional', 'None', 'NoneType', 'Union', 'Tuple', 'tuple', 'List', 'list', 'Sequence',
    'Iterable', 'ndarray', 'typing', 'torch', 'numbers', 'collections', 'abc', 'numpy', 'np', 'class'})  # fmt: skip
_SEVERAL = frozenset({'Tuple', 'tuple', 'List', 'list', 'Sequence', 'Iterable', 'ndarray'})
_ONE_TRUTH = frozenset({'bool', 'Optional', 'None', 'NoneType', 'typing', 'Union', 'class'})


def check_value_types(cfg: Mapping[str, Any]) -> None:
    """Compare the values of a config that are words with what the arguments of the types beside them are made for.

    An argument is made for a truth value or a number where its annotation says nothing else; where it has none, where its default
    is one and the docstring names no `str`. Of types of one name in several registries, one that takes the word is enough.

    Args:
        cfg: Of a run; types by names.

    Raises:
        ValueError: A word for True or False or a number, or a list or dict for True or False.
    """
    scope = cfg.get('default_scope') or 'mmengine'
    for path, part, kinds in _parts(cfg, scope):
        for key, value in part.items():
            wrong = [_expected(kind, key, value) for kind in kinds if key in arguments_of(kind)]
            if wrong and all(wrong):
                of = f' of {part["type"]}' if path and isinstance(part.get('type'), str) else ''
                place = f'{path}.{key}'.lstrip('.')
                raise ValueError(
                    f'{wrong[0]} needed as {key}{of}, got {key}={value!r}. Look at {place} in the config or in --cfg-options.')


def _parts(cfg: Mapping[str, Any], scope: str) -> Iterator[tuple[str, Mapping[str, Any], list[Any]]]:
    """Dotted path of every dict, the dict, and what is called with it."""
    pending: list[tuple[str, Any]] = [('', dict(cfg.items()))]
    while pending:
        path, part = pending.pop()
        if isinstance(part, Mapping):
            kinds = called_with(path, part, scope)
            if kinds:
                yield path, part, kinds
            pending += [(f'{path}.{key}'.lstrip('.'), each) for key, each in part.items() if isinstance(each, Mapping | list | tuple)]
        elif isinstance(part, list | tuple):
            pending += [(f'{path}.{k}', each) for k, each in enumerate(part) if isinstance(each, Mapping | list | tuple)]


def called_with(path: str, part: Mapping[str, Any], scope: str) -> list[Any]:
    """What is called with the entries of a dict at a dotted path; nothing where that is not known."""
    if isinstance(part.get('type'), str):
        return [*_registered(part['type'], scope), *([_norm] if path.endswith('norm_cfg') else [])]
    if path == 'train_cfg':
        return [EpochBasedTrainLoop if part.get('by_epoch') else IterBasedTrainLoop, _length]
    if path.endswith('data_preprocessor') and scope == 'mmpretrain':
        return [ClsDataPreprocessor]
    last = path.rpartition('.')[2]
    if not path:
        return [Runner, _wrapping]
    return [kind for kind in (_BY_PATH.get(path), _BY_KEY.get(last) if '.' in path else None) if kind]


def _registered(name: str, scope: str) -> list[Any]:
    prefix, _, bare = name.rpartition('.')
    found = []
    for root in _roots():
        scopes = (prefix,) if prefix else (scope, 'mmengine')
        for registry in (_loaded(root, each) for each in scopes):
            if registry is not None and bare in registry.module_dict:
                found.append(registry.module_dict[bare])
                break
    return found


@cache
def _roots() -> list[Registry]:
    return [each for each in vars(mmengine.registry).values() if isinstance(each, Registry) and each.parent is None]


@cache
def _loaded(root: Registry, scope: str) -> Registry | None:
    """A root registry's child of a scope, or the root itself, with all its names."""
    if scope in ('mmdet', 'mmpretrain', 'mmseg', 'mmkd_ext'):
        import_module(f'{scope}.registry')
    registry = root if scope == root.scope else root.children.get(scope)
    if registry is not None:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of optional packages that this run may not need
            registry.import_from_location()
    return registry


def _expected(kind: Any, key: str, value: Any) -> str | None:
    """What is needed, where the value is something else; None where it may be right."""
    argument = arguments_of(kind)[key]
    if isinstance(argument.default, str):  # whatever its annotation says
        return None
    if key == 'loss_weight' and isinstance(value, str) and inspect.isclass(kind) and issubclass(kind, DistillationLoss):
        return None if value.startswith('auto') else 'A number is'  # which of these it takes the loss says itself
    words = _words_of(argument.annotation)
    if words is None:
        if not isinstance(value, str) or type(argument.default) not in (bool, int, float) or _documented_as_text(kind, key):
            return None
        return 'True or False is' if isinstance(argument.default, bool) else 'A number is'
    if 'bool' in words and words <= _ONE_TRUTH:
        return 'True or False is' if isinstance(value, str | list | tuple | Mapping) else None
    texts = [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, str)]
    counts = words & {'bool', 'int', 'float', 'Number'}
    if not texts or not counts or not words <= _NUMBERS:
        return None
    return 'Numbers are' if words & _SEVERAL else 'A number is'


def _words_of(annotation: Any) -> frozenset[str] | None:
    if annotation is inspect.Parameter.empty:
        return None
    text = annotation if isinstance(annotation, str) else str(annotation)
    return frozenset(re.findall(r'[A-Za-z_]\w*', text))


def _documented_as_text(kind: Any, key: str) -> bool:
    docs = [each.__doc__ or '' for each in (kind.__mro__ if inspect.isclass(kind) else [kind])]
    docs += [getattr(each.__dict__.get('__init__'), '__doc__', None) or '' for each in (kind.__mro__ if inspect.isclass(kind) else [])]
    return any(re.search(rf'\b{re.escape(key)}\s*\([^)]*\b(str|Literal)\b', doc) for doc in docs)


@cache
def arguments_of(kind: Any) -> dict[str, inspect.Parameter]:
    """Of a type or a function, by name; those of base classes too where a constructor hands on what it does not know."""
    found: dict[str, inspect.Parameter] = {}
    calls: list[Callable] = [each.__dict__['__init__'] for each in kind.__mro__ if '__init__' in each.__dict__] if inspect.isclass(
        kind) else [kind]
    for call in calls:
        try:
            arguments = inspect.signature(call).parameters
        except (TypeError, ValueError):  # built in
            break
        for name, each in arguments.items():
            if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL):
                found.setdefault(name, each)
        if not any(each.kind is each.VAR_KEYWORD for each in arguments.values()):
            break
    return found


# What mmengine, mmcv, mmdet and our teachers read out of dicts without a type, as signatures.
def _scaling(enable: bool = False, base_batch_size: int | None = None) -> None: ...
def _wrapping(find_unused_parameters: bool = False) -> None: ...
def _length(by_epoch: bool = True) -> None: ...
def _environment(cudnn_benchmark: bool = False) -> None: ...
def _norm(requires_grad: bool = True) -> None: ...
def _clip(max_norm: float = 1.0, error_if_nonfinite: bool = False) -> None: ...
def _by_parameter(
    bias_lr_mult: float = 1, bias_decay_mult: float = 1, norm_decay_mult: float = 1, dwconv_decay_mult: float = 1,
    flat_decay_mult: float = 1, dcn_offset_lr_mult: float = 1, bypass_duplicate: bool = False, layer_decay_rate: float = 1,
) -> None: ...  # fmt: skip
def _teacher(allow_random: bool = False, compile: bool = False, allow_unmapped: bool = False) -> None: ...
def _network(pretrained: bool = False) -> None: ...
def _detector(
    debug: bool = False, allowed_border: float = -1, pos_weight: float = -1, nms_pre: int = 1000, max_per_img: int = 100,
    min_bbox_size: float = 0, score_thr: float = 0.05, mask_thr_binary: float = 0.5,
) -> None: ...  # fmt: skip


_BY_PATH: dict[str, Any] = {
    'val_cfg': ValLoop, 'test_cfg': TestLoop, 'randomness': Runner.set_randomness, 'log_processor': LogProcessor,
    'auto_scale_lr': _scaling, 'env_cfg': _environment, 'optim_wrapper': OptimWrapper, 'optim_wrapper.clip_grad': _clip,
    'optim_wrapper.paramwise_cfg': _by_parameter, 'train_dataloader': DataLoader, 'val_dataloader': DataLoader,
    'test_dataloader': DataLoader}  # fmt: skip
_BY_KEY: dict[str, Any] = {
    'teacher': _teacher, 'student': _network, 'rpn': _detector, 'rcnn': _detector, 'rpn_proposal': _detector, 'train_cfg': _detector,
    'test_cfg': _detector}
