"""Knowledge distillation for mmengine's Runner: losses, distillers, backbones, hooks and datasets for mmpretrain, mmdet, mmseg and timm."""

import contextlib
from importlib.util import find_spec

__version__ = '0.1.0'

with contextlib.suppress(ModuleNotFoundError):  # without mmengine the command line says what is to be installed
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmkd_ext', 'mmkd_ext')  # lets `_base_ = 'mmkd_ext::...'` and mmengine.hub find our configs
    if find_spec('mmseg') is not None:  # mmengine asks for mmsegmentation, and the maintained fork has another name
        MODULE2PACKAGE['mmseg'] = 'mmseg'
