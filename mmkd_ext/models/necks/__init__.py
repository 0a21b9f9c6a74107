"""Modules between backbone and head."""

from .reviewkd_neck import ReviewKDNeck
from .teskd_neck import TESKDNeck

__all__ = ['ReviewKDNeck', 'TESKDNeck']
