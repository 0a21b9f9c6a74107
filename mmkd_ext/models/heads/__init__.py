"""Heads: TESKD's and DeiT's classifiers with their losses."""

from .deit_head import DeiTHead
from .teskd_head import TESKDHead, TESKDStackedHead

__all__ = ['DeiTHead', 'TESKDHead', 'TESKDStackedHead']
