"""Distillers: a student with frozen teachers, and students that train together; of classifiers and of detectors."""

from .mutual import MutualLearningDistiller
from .offline import OfflineDistiller
from .two_stage import TwoStageDistiller
from .two_stage_mutual import TwoStageMutualLearningDistiller

__all__ = ['MutualLearningDistiller', 'OfflineDistiller', 'TwoStageDistiller', 'TwoStageMutualLearningDistiller']
