"""Evaluation: metrics, logs of runs, and studies over seeds."""

from .metrics import StudentAccuracy

__all__ = ['StudentAccuracy']
