"""Registered names in place of classes (mmengine's `read_base` style) and dotted paths, wherever a config has a `type`."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

import mmengine.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string

_PACKAGES = (
    'mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmkd_ext', 'torch', 'torchvision', 'timm')  # their names need no custom_imports
_SCOPES = ('mmseg', 'mmdet', 'mmpretrain')


def named(cfg: Config) -> Config:
    """The same config in which every `type` that is a class, a function or a dotted path is its registered name.

    What no registry of OpenMMLab has becomes the dotted path by which mmengine imports it; what cannot be imported stays. A config
    whose classes are mmseg's, mmdet's or mmpretrain's and that has no `default_scope` gets that one.
    """
    scope = cfg.get('default_scope')
    if scope is None:
        packages = {str(getattr(each, '__module__', None)).partition('.')[0] for each in _types(list(cfg.values()))}
        scope = next((each for each in _SCOPES if each in packages), None)
    imported = getattr(cfg, '_imported_names', ())  # of the file's own import lines
    content = {key: named_types(value, scope) for key, value in cfg.items() if key not in imported}
    if scope is not None:
        content['default_scope'] = scope
    return Config(content, cfg_text=cfg.text, filename=cfg.filename, env_variables=cfg.env_variables)


def _types(value: Any) -> Iterator[Any]:
    """All that stands as a `type`."""
    if isinstance(value, dict):
        if 'type' in value:
            yield value['type']
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _types(each)


def named_types(value: Any, scope: str | None = None) -> Any:
    """A part of a config in that way; names of `scope` stand without a prefix.

    The `_scope_` that mmengine gives to what is inherited from our configs is left out: types of ours have a prefix there.
    """
    if isinstance(value, dict):
        return type(value)({
            key: name_of(each, scope) if key == 'type' else named_types(each, scope)
            for key, each in value.items() if (key, each) != ('_scope_', 'mmkd_ext')})
    if type(value) in (list, tuple):
        return type(value)(named_types(each, scope) for each in value)
    return value


def name_of(kind: Any, scope: str | None = None) -> Any:
    """The registered name of a type, else its dotted path; as it is where it is a name already or has none."""
    if isinstance(kind, str):
        found = _at(kind) if kind.count('.') > 1 else None  # one point may be a registry's scope
        return kind if found is None else _registered(found, scope) or kind
    if not (inspect.isclass(kind) or inspect.isroutine(kind)):
        return kind
    path = f'{kind.__module__}.{kind.__qualname__}'
    return _registered(kind, scope) or (path if _at(path) is kind else kind)


def packages_of(value: Any) -> set[str]:
    """The packages that define the types that are named in a part of a config."""
    names = {type_name(each) for each in _types(value)}
    found = (each for registry in _registries() for name, each in registry.module_dict.items() if name in names)
    return {str(getattr(each, '__module__', None)).partition('.')[0] for each in found}


def type_name(kind: Any) -> str:
    """A type's registered name without its scope: `'GlobalAveragePooling'` of the class, of `'mmpretrain.GlobalAveragePooling'`, ..."""
    return str(name_of(kind)).rpartition('.')[2]


def _at(path: str) -> Any:
    if path.startswith('__main__.'):  # another program than the one that will read it
        return None
    try:
        return get_object_from_string(path)
    except Exception:  # importing runs any code
        return None


def _registered(kind: Any, scope: str | None) -> str | None:
    if str(getattr(kind, '__module__', None)).partition('.')[0] not in _PACKAGES:
        return None
    for registry in _registries():
        names = [name for name, each in registry.module_dict.items() if each is kind]
        if names:
            name = getattr(kind, '__name__', '') if getattr(kind, '__name__', '') in names else names[0]
            return name if registry.scope in ('mmengine', scope) else f'{registry.scope}.{name}'
    return None


def _registries() -> Iterator[Registry]:
    for root in _roots():
        yield root
        yield from _below(root)


@cache
def _roots() -> list[Registry]:
    return [each for each in vars(mmengine.registry).values() if isinstance(each, Registry) and each.parent is None]


def _below(registry: Registry) -> Iterator[Registry]:
    for child in registry.children.values():
        yield child
        yield from _below(child)
