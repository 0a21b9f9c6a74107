"""What is registered by mmengine, mmpretrain, mmdet and this package, so that a newcomer without a row is seen."""

import importlib.util

import mmpretrain.engine  # noqa: F401  # registers

import mmkd_ext.hooks
import mmkd_ext.optim.cpu_amp  # noqa: F401  # registers

if importlib.util.find_spec('mmdet') and importlib.util.find_spec('mmcv._ext'):
    import mmdet.engine  # noqa: F401  # registers

PACKAGES = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmkd_ext', 'torch')


def registered(root, others=False):
    """Name -> class of a registry and its children; names of children have their scope in front.

    Classes of other modules, such as those of tests, are left out unless `others`.
    """
    found = {f'{scope}.{name}': kind for scope, child in root.children.items() for name, kind in child.module_dict.items()}
    return {name: kind for name, kind in {**root.module_dict, **found}.items() if others or kind.__module__.partition('.')[0] in PACKAGES}
