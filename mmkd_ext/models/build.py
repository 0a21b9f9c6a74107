"""Building the network of a config, and the shape of the images that it takes."""

import copy
from typing import NamedTuple

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.datasets.data_size import data_size

from .config_from_data import tell_channel_order, tell_class_names, tell_image_size
from .images.image_shape import Size, input_shape_of, own_size, short_size
from .outputs.kinds.base import Kind
from .outputs.kinds.known import kind_of
from .plain_config import plain_config, plain_model, without_weights
from .uninitialised import made_finite


def build_model(cfg: Config, pretrained: bool = False) -> nn.Module:
    """The model of a config on the CPU, in eval mode. Nothing is downloaded: its weights are to come from a checkpoint.

    Args:
        cfg: The config.
        pretrained: Keep the weights that its config starts from, which are fetched where they are files of a zoo.

    Example:
        >>> backbone, head = dict(type='mmkd_ext.CIFARResNet', depth=8), dict(type='LinearClsHead', num_classes=10, in_channels=64)
        >>> model = dict(type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling'), head=head)
        >>> network = build_model(Config(dict(model=model)))
        >>> sum(x.numel() for x in network.parameters()), network.training
        (78042, False)
    """
    from mmpretrain.registry import MODELS

    cfg = copy.deepcopy(cfg)
    tell_channel_order(cfg)
    tell_image_size(cfg)
    tell_class_names(cfg)
    model_cfg = cfg.model if pretrained else without_weights(cfg.model)
    model_cfg.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        return made_finite(MODELS.build(model_cfg)).eval()


def input_size(cfg: Config) -> Size:
    """Side in pixels of the images that a config feeds its network, or (height, width); 224 where neither data nor model tell."""
    return short_size(data_size(cfg, look=True) or own_size(plain_model(cfg.model), None))


class Deployed(NamedTuple):
    """What is deployed of a config.

    Attributes:
        config: The plain config.
        network: Its network on the CPU, in eval mode, with random weights.
        kind: What it is: a classifier, a two-stage detector.
        input_shape: Channels, height and width of its images.
    """

    config: Config
    network: nn.Module
    kind: type[Kind]
    input_shape: tuple[int, int, int]


def deployed(cfg: Config, size: Size | None = None, plain: Config | None = None) -> Deployed:
    """Ask a config once what is deployed of it.

    Args:
        cfg: A config of a training.
        size: Side in pixels of the images, or (height, width), instead of what its data say.
        plain: Its plain config, where it was made already.
    """
    plain = plain_config(cfg) if plain is None else plain
    network = build_model(plain)
    shape = input_shape_of(plain_model(cfg.model), network, size or data_size(cfg, look=True))
    return Deployed(plain, network, kind_of(network), shape)


def input_shape(cfg: Config, size: Size | None = None) -> tuple[int, int, int]:
    """Channels, height and width of what a config feeds its network; `size` as for `deployed`."""
    return deployed(cfg, size).input_shape
