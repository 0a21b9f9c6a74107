"""Checkpoints: safe reading, atomic writing, and the choice for --resume. Importing it registers reader and writer with mmengine."""

from .checkpoint_files import AtomicBackend
from .mmengine_loaders import load_from_file

__all__ = ['AtomicBackend', 'load_from_file']
