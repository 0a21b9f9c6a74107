"""Networks and what hangs on them."""

from mmkd_ext import checkpoint_loaders as _checkpoint_loaders  # noqa: F401  # what a model names is read as data

from . import backbones, distillers, heads, necks
from .backbones import *  # noqa: F403
from .detector_ensemble import DetectorEnsemble
from .distillers import *  # noqa: F403
from .ensemble import Ensemble
from .heads import *  # noqa: F403
from .necks import *  # noqa: F403
from .outputs import Outputs, recording
from .teacher import FrozenTeacher

__all__ = [
    'DetectorEnsemble',
    'Ensemble',
    'FrozenTeacher',
    'Outputs',
    *backbones.__all__,
    *distillers.__all__,
    *heads.__all__,
    *necks.__all__,
    'recording',
]
