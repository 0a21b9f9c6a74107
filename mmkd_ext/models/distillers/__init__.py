"""Who learns from whom."""

from .mutual import MutualLearningDistiller
from .offline import OfflineDistiller
from .two_stage import TwoStageDistiller

__all__ = ['MutualLearningDistiller', 'OfflineDistiller', 'TwoStageDistiller']
