"""Knowledge distillation for the OpenMMLab runner: registry modules, configs and tools."""

__version__ = '0.1.0'
