"""Networks: what they say about a batch, where they come from, what is added to them, and how they learn from one another."""

import mmkd_ext.checkpoints  # noqa: F401  # what a model names is read as data

from . import backbones, distillers, heads, necks
from .backbones import *  # noqa: F403
from .distillers import *  # noqa: F403
from .ensembles.detector_ensemble import DetectorEnsemble
from .ensembles.ensemble import Ensemble
from .heads import *  # noqa: F403
from .necks import *  # noqa: F403
from .outputs import Outputs, recording
from .teachers.frozen_teacher import FrozenTeacher

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
