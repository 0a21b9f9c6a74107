"""Classifiers and the losses that belong to them."""

from .deit_head import DeiTHead
from .teskd_head import TESKDHead, TESKDStackedHead

__all__ = ['DeiTHead', 'TESKDHead', 'TESKDStackedHead']
