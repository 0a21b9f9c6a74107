"""Who learns from whom."""

from .mutual import MutualLearningDistiller
from .offline import OfflineDistiller
from .two_stage import TwoStageDistiller
from .two_stage_mutual import TwoStageMutualLearningDistiller

__all__ = ['MutualLearningDistiller', 'OfflineDistiller', 'TwoStageDistiller', 'TwoStageMutualLearningDistiller']
