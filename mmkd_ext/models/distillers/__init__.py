"""Who learns from whom."""

from .offline import OfflineDistiller

__all__ = ['OfflineDistiller']
