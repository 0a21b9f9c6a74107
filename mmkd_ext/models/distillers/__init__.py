"""Who learns from whom."""

from .offline import OfflineDistiller
from .two_stage import TwoStageDistiller

__all__ = ['OfflineDistiller', 'TwoStageDistiller']
