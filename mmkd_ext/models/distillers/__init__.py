"""Distillers: a student with frozen teachers, and students that train together; of classifiers and of detectors."""

from .feature import FeatureDistiller
from .mutual import MutualLearningDistiller
from .offline import OfflineDistiller
from .two_stage import TwoStageDistiller
from .two_stage_mutual import TwoStageMutualLearningDistiller

__all__ = ['FeatureDistiller', 'MutualLearningDistiller', 'OfflineDistiller', 'TwoStageDistiller', 'TwoStageMutualLearningDistiller']
