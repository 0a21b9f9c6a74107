"""Classifiers and the losses that belong to them."""

from .deit_head import DeiTHead
from .dskd_head import DSKDHead
from .teskd_head import TESKDHead, TESKDStackedHead

__all__ = ['DSKDHead', 'DeiTHead', 'TESKDHead', 'TESKDStackedHead']
