"""What a network says about a batch, and how it is read while the network runs."""

from .outputs import Outputs, detached
from .recording import recording

__all__ = ['Outputs', 'detached', 'recording']
