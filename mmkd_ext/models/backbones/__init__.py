"""Backbones for 32 px images that mmpretrain does not have, torchvision's as backbones, and a backbone as a model."""

from .backbone_model import BackboneModel
from .cifar_mobilenet_v2 import CIFARMobileNetV2
from .cifar_resnet import CIFARResNet, CIFARResNet50
from .cifar_resnext import ResNeXt_CIFAR
from .cifar_seresnet import SEResNet_CIFAR
from .cifar_shufflenet_v1 import CIFARShuffleNetV1
from .cifar_shufflenet_v2 import CIFARShuffleNetV2
from .cifar_vgg import CIFARVGG
from .cifar_wide_resnet import CIFARWideResNet
from .timm_backbone import TimmBackbone
from .torchvision_backbone import TorchvisionBackbone

__all__ = [
    'BackboneModel',
    'CIFARVGG',
    'CIFARMobileNetV2',
    'CIFARResNet',
    'CIFARResNet50',
    'CIFARShuffleNetV1',
    'CIFARShuffleNetV2',
    'CIFARWideResNet',
    'ResNeXt_CIFAR',
    'SEResNet_CIFAR',
    'TimmBackbone',
    'TorchvisionBackbone',
]
