"""Classifiers and the losses that belong to them."""

from .teskd_head import TESKDHead, TESKDStackedHead

__all__ = ['TESKDHead', 'TESKDStackedHead']
