"""Knowledge distillation for mmengine's Runner: losses, distillers, backbones, hooks and datasets for mmpretrain, mmdet and timm."""

import contextlib

__version__ = '0.1.0'

with contextlib.suppress(ModuleNotFoundError):  # without mmengine the command line says what is to be installed
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmkd_ext', 'mmkd_ext')  # lets `_base_ = 'mmkd_ext::...'` and mmengine.hub find our configs
