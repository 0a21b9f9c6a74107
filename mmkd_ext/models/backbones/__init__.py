"""Backbones for 32 px images that the zoo does not have."""

from .resnext_cifar import ResNeXt_CIFAR
from .seresnet_cifar import SEResNet_CIFAR

__all__ = ['ResNeXt_CIFAR', 'SEResNet_CIFAR']
