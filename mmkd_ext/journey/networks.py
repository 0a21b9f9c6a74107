"""The student or teacher that a command line names: its config for these classes, and what settings depend on."""

from typing import Any, NamedTuple

import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmkd_ext.config.named_types import type_name
from mmkd_ext.config.packaged_configs import config_file
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.outputs.recording import recording
from mmkd_ext.models.plain_config import without_weights
from mmkd_ext.models.uninitialised import made_finite
from mmkd_ext.models.zoo.trained_network import network_config

_STAGES = ((0, 1, 2, 3), (1, 2, 3, 4), (1, 2, 4, 7))  # of mmpretrain's ResNets and their like, of CIFAR backbones, of MobileNetV2
_IMAGENET_SIDE = 224


class Network(NamedTuple):
    """A network that will be trained.

    Attributes:
        name: As it was asked for.
        model: The config's `model`.
        parameters: Their number.
        pretrained: Whether it starts from a zoo's weights.
        fixed_side: Side of its images, in pixels, where it takes one size only.
        side: Side that its weights were trained with.
        batch_norm: Whether it has BatchNorm layers; one without is taken for a transformer.
    """

    name: str
    model: ConfigDict
    parameters: int
    pretrained: bool
    fixed_side: int | None
    side: int
    batch_norm: bool


def chosen_network(name: str, classes: int, flag: str, scratch: bool) -> Network:
    """The network of a name.

    Args:
        name: `mmpretrain::resnet18_8xb32_in1k`, `timm/resnet18.a1_in1k`, `torchvision/resnet18`, `cifar/resnet20` or a config file.
        classes: K.
        flag: The command line's, for the sentence.
        scratch: Whether it starts from random weights even where a zoo knows better ones.

    Raises:
        PreflightError: No such network, or none that classifies images.
    """
    model = name.removeprefix('mmpretrain::') if '/' not in name else config_file(name)
    without = model.startswith(('cifar/', 'mmkd_ext::')) or (model.endswith('.py') and '::' not in model)  # no zoo's weights
    pretrained = not (scratch or without)
    try:
        config = network_config({'model': model, 'num_classes': classes, **({'pretrained': True} if pretrained else {})})
        network = _built(config)
    except Exception as error:  # the zoos raise whatever a constructor does
        text = ' '.join(str(error).split()).rstrip('.')
        hint = ' With --scratch it starts from random weights.' if 'pretrained=True' in text else ''
        raise PreflightError(f'A network that classifies images is needed as {flag}, got {name}: {text}.{hint}') from error
    if type_name(config.get('type')) not in ('ImageClassifier', 'TimmClassifier', 'TorchvisionClassifier'):
        raise PreflightError(
            f'A network that classifies images is needed as {flag}, got {name} of type {config.get("type")}: detectors have configs in '
            'configs/nd_loss_det.')
    fixed, side = _sides(config, network)
    norms = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())
    parameters = sum(p.numel() for p in network.parameters())
    return Network(name, config, parameters, pretrained, fixed, side, norms)


def _sides(config: ConfigDict, network: Any) -> tuple[int | None, int]:
    """The only size of its images, if there is one, and the size that it was trained with."""
    if type_name(config.get('type')) == 'TimmClassifier':
        known = getattr(network.model, 'pretrained_cfg', None) or {}
        side = (known.get('input_size') or (3, _IMAGENET_SIDE))[-1]
        return (side if known.get('fixed_input_size') else None), side
    if str(config.get('backbone', {}).get('type')).startswith('mmkd_ext.CIFAR'):
        return None, 32
    size = getattr(getattr(network, 'backbone', None), 'img_size', None)
    size = size[0] if isinstance(size, tuple | list) else size
    return (size, size) if isinstance(size, int) else (None, _IMAGENET_SIDE)


def with_stages(model: ConfigDict) -> ConfigDict:
    """The same network whose backbone returns several stages, where one is known to; for losses that compare maps."""
    if model.get('backbone') is None:
        return model
    last = _last_index(model)
    for indices in (each for each in _STAGES if each[-1] == last):
        trial = ConfigDict({**model, 'backbone': {**model.backbone, 'out_indices': indices}})
        try:
            _built(trial)
        except Exception:  # a backbone without such stages
            continue
        return trial
    return model


def _last_index(model: ConfigDict) -> Any:
    """The stage that its head takes."""
    indices = getattr(_built(model).backbone, 'out_indices', None)
    return indices[-1] if isinstance(indices, tuple | list) and indices else indices


@torch.no_grad()
def count_stages(model: ConfigDict, side: int) -> int:
    """How many maps a network makes of an image of `side` pixels."""
    network = _built(model).eval()
    with recording(network) as record:
        network(torch.zeros(2, 3, side, side))
    return len(record.outputs().stages)


def _built(model: ConfigDict) -> Any:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return made_finite(MODELS.build(without_weights(model)))
