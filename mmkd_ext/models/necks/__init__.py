"""Necks: TESKD's students, between backbone and head."""

from .teskd_neck import TESKDNeck

__all__ = ['TESKDNeck']
