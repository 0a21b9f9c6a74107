"""Checkpoints: read as data, written whole, and which of them a run goes on from. Importing it registers the reader and the writer."""

from .checkpoint_files import AtomicBackend
from .mmengine_loaders import load_from_file

__all__ = ['AtomicBackend', 'load_from_file']
