"""Evaluation: metrics, logs of runs, and studies over seeds."""

from .feature_accuracy import KNNAccuracy, ProbeAccuracy
from .student_accuracy import StudentAccuracy

__all__ = ['KNNAccuracy', 'ProbeAccuracy', 'StudentAccuracy']
