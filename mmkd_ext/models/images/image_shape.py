"""Channels, height and width of the images that a network takes, by its config and by its layers."""

from collections.abc import Mapping
from typing import Any

from torch import nn

_BANDS = 32  # more than that a first convolution takes of what was made of the pixels: TResNet's 4 x 4 of them, CSATv2's frequencies

Size = int | tuple[int, int]


def as_size(size: Any, where: str = 'input_size') -> tuple[int, int]:
    """Height and width in pixels of a size that is one number, of a square, or two.

    Raises:
        ValueError: Neither, or a side below 1.
    """
    sides = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides):
        raise ValueError(f'A size in pixels is needed as {where}, one number or (height, width), each 1 or more; got {size!r}.')
    return sides[0], sides[1]


def short_size(size: tuple[int, int]) -> Size:
    """One number for a square."""
    return size[0] if size[0] == size[1] else size


def channels_of(cfg: Mapping[str, Any], network: nn.Module) -> int:
    """Channels of the images, by the model's config, else by its first convolution; 3 where none takes pixels."""
    told = (cfg.get('backbone') or {}).get('in_channels', cfg.get('in_chans'))
    if isinstance(told, int):
        return told
    stem = _timm_stem(network) or next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    if stem is None or stem.in_channels > _BANDS:
        return 3
    halves = any(type(module).__name__ == 'Focus' and stem in module.modules() for module in network.modules())
    return stem.in_channels // 4 if halves else stem.in_channels  # YOLOX puts four neighbours into the channels of one


def _timm_stem(network: Any) -> nn.Conv2d | None:
    inner = getattr(network, 'model', network)  # mmpretrain's TimmClassifier holds timm's
    name = (getattr(inner, 'pretrained_cfg', None) or {}).get('first_conv')
    name = next(iter(name), None) if isinstance(name, list | tuple) else name
    stem = dict(inner.named_modules()).get(name)  # type: ignore[arg-type]
    return stem if isinstance(stem, nn.Conv2d) else None


def own_size(cfg: Mapping[str, Any], network: Any) -> tuple[int, int]:
    """Height and width that a network was made for, by its config; 32 for CIFAR backbones and LeNet, else 224."""
    backbone = cfg.get('backbone') or {}
    size = backbone.get('img_size')
    if size is None and hasattr(network, 'model'):
        size = cfg.get('img_size') or getattr(network.model, 'pretrained_cfg', {}).get('input_size', (3, 224, 224))[1:]
    if size is None:
        kind = str(backbone.get('type'))
        size = 32 if 'CIFAR' in kind or 'LeNet5' in kind else 224
    return as_size(size if isinstance(size, int) else tuple(map(int, size)), 'img_size of the model')


def input_shape_of(cfg: Mapping[str, Any], network: nn.Module, size: Size | None = None) -> tuple[int, int, int]:
    """Channels, height and width of images for a network of a config; `size` where it is known."""
    return channels_of(cfg, network), *(own_size(cfg, network) if size is None else as_size(size))
