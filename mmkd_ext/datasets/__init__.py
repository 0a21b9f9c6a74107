"""The embedded data: real inputs that need neither files nor a network."""

from mmkd_ext.datasets.digits import Digits

__all__ = ['Digits']
