"""Registries of mmkd_ext, children of mmengine's.

Each registry here is a child of mmengine's root of the same kind, so a config of mmpretrain, mmdet or mmseg finds our types under the
prefix `mmkd_ext.`. The file's name is fixed: mmengine resolves the prefix by importing `<scope>.registry`.

What a config inherits by `_base_ = 'mmkd_ext::...'` mmengine builds in our scope, although our configs are written in mmpretrain's,
mmdet's or mmseg's; so every kind has a registry of ours, in which a name without a prefix that is none of ours is one of theirs.
"""

import importlib

import mmengine.registry
from mmengine.registry import DefaultScope, Registry

_ZOOS = ('mmpretrain', 'mmdet', 'mmseg')


class ZooRegistry(Registry):
    """A registry of ours; a name without a prefix that it lacks is looked up in the run's scope, then in those of the zoos."""

    def get(self, key: str) -> type | None:
        """The type of that name, or None; see mmengine's `Registry.get`."""
        self.import_from_location()
        if not isinstance(key, str) or '.' in key or key in self.module_dict:
            return super().get(key)
        root = self._get_root_registry()
        for scope in _scopes():
            try:
                importlib.import_module(f'{scope}.registry')
                zoo = root.children.get(scope)
                found = None if zoo is None else zoo.get(key)
            except Exception:  # not installed, or, as mmdet and mmseg may be, of versions that do not fit
                continue
            if found is not None:
                return found
        return super().get(key)


def _scopes() -> list[str]:
    """The run's own scope, under the one in which mmengine builds just now, before the others."""
    active = [each.scope_name for each in DefaultScope._instance_dict.values() if each.scope_name in _ZOOS]
    return list(dict.fromkeys([*active[::-1], *_ZOOS]))


def _ours(kind: str, *locations: str) -> ZooRegistry:
    root = getattr(mmengine.registry, kind)
    return ZooRegistry(root.name, parent=root, scope='mmkd_ext', locations=list(locations))


MODELS = _ours('MODELS', 'mmkd_ext.losses', 'mmkd_ext.models')
HOOKS = _ours('HOOKS', 'mmkd_ext.hooks')
DATASETS = _ours('DATASETS', 'mmkd_ext.datasets')
FUNCTIONS = _ours('FUNCTIONS', 'mmkd_ext.datasets')
METRICS = _ours('METRICS', 'mmkd_ext.evaluation')
OPTIM_WRAPPERS = _ours('OPTIM_WRAPPERS', 'mmkd_ext.optim')

for _kind, _root in list(vars(mmengine.registry).items()):  # of which nothing of ours is registered
    if isinstance(_root, Registry) and _root.parent is None and 'mmkd_ext' not in _root.children:
        _ours(_kind, 'mmkd_ext.registry')
