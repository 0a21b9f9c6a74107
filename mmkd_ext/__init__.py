"""Knowledge distillation for mmengine's Runner: losses, distillers, backbones, hooks and datasets for mmpretrain, mmdet and timm."""

__version__ = '0.1.0'
