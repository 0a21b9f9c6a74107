"""Outputs of a network for a batch (stages, embedding, logits), and their recording during a forward pass."""

from .outputs import Outputs, detached
from .recording import recording

__all__ = ['Outputs', 'detached', 'recording']
