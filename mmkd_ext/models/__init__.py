"""Models: backbones, necks, heads, teachers, distillers and ensembles, and the `Outputs` of a network that losses compare."""

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
from .teachers.teacher_ensemble import TeacherEnsemble
from .zoo.torchvision_classifier import TorchvisionClassifier

__all__ = [
    'DetectorEnsemble',
    'Ensemble',
    'FrozenTeacher',
    'Outputs',
    'TeacherEnsemble',
    'TorchvisionClassifier',
    *backbones.__all__,
    *distillers.__all__,
    *heads.__all__,
    *necks.__all__,
    'recording',
]
