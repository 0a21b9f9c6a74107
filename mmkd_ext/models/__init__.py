"""Networks and what hangs on them."""

from .backbones import ResNeXt_CIFAR, SEResNet_CIFAR
from .heads import TESKDHead, TESKDStackedHead
from .necks import TESKDNeck

__all__ = ['ResNeXt_CIFAR', 'SEResNet_CIFAR', 'TESKDHead', 'TESKDNeck', 'TESKDStackedHead']
