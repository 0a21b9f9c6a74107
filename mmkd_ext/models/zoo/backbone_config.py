"""A network of any zoo as its backbone alone, in the language of specs."""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict

from mmkd_ext.config.named_types import type_name

from .sources import source_of
from .spec import read_spec
from .trained_network import network_config

_LOADED = ('checkpoint', 'prefix', 'allow_missing', 'allow_unexpected')
_OF_CLASSIFIERS = ('type', 'loss', 'train_cfg', 'with_cp', 'data_preprocessor', 'num_classes', 'pre_activation')


def backbone_spec(spec: str | Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a `BackboneModel` with the backbone that a spec names; that of a `BackboneModel` as it is.

    Args:
        spec: See `read_spec`. The backbone of a model's config (classifier or detector), the config of a backbone itself
            (`dict(type='mmpretrain.ResNet', depth=18)`), or a network of timm (as mmpretrain's `TIMMBackbone`) or torchvision
            (as `TorchvisionBackbone`). `checkpoint` is a file of the whole network in mmpretrain's layout; what it has besides the
            backbone is left out.

    Raises:
        ValueError: As `network_config`; `num_classes`, which a backbone has none of.

    Example:
        >>> import mmkd_ext.models
        >>> backbone_spec('cifar/resnet20')['model']['backbone']
        {'type': 'mmkd_ext.CIFARResNet', 'depth': 20}
        >>> backbone_spec('timm/resnet18')['model']['backbone']
        {'type': 'mmpretrain.TIMMBackbone', 'model_name': 'resnet18', 'pretrained': False}
    """
    words = read_spec(spec)
    if words.get('num_classes') is not None:
        raise ValueError(f'A student without a head has no classes, got num_classes={words["num_classes"]}: leave it out of model.student.')
    plain = network_config({key: value for key, value in words.items() if key not in _LOADED})
    if type_name(plain.get('type')) != 'BackboneModel':
        scope = source_of(words).scope
        backbone = _backbone(plain)
        if isinstance(backbone.get('type'), str) and '.' not in backbone.type:
            backbone.type = f'{scope}.{backbone.type}'
        preprocessor = plain.get('data_preprocessor')
        plain = ConfigDict(type='mmkd_ext.BackboneModel', backbone=backbone)
        if preprocessor is not None:
            plain.data_preprocessor = _preprocessor(preprocessor)
    loaded = {key: words[key] for key in _LOADED if words.get(key) is not None}
    if 'checkpoint' in loaded:
        loaded.setdefault('allow_unexpected', r'^(?!backbone\.)')
    return dict(model=plain, **loaded)


def _backbone(plain: ConfigDict) -> ConfigDict:
    kind, rest = type_name(plain.get('type')), {key: value for key, value in plain.items() if key not in _OF_CLASSIFIERS}
    if kind == 'TimmClassifier':
        if 'in_chans' in rest:
            rest['in_channels'] = rest.pop('in_chans')
        return ConfigDict(type='mmpretrain.TIMMBackbone', **rest)
    if kind == 'TorchvisionClassifier':
        return ConfigDict(type='mmkd_ext.TorchvisionBackbone', **rest)
    if isinstance(plain.get('backbone'), Mapping):
        return copy.deepcopy(plain.backbone)
    rest = {key: value for key, value in plain.items() if key != 'data_preprocessor'}
    return ConfigDict(copy.deepcopy(rest))


def _preprocessor(of_model: Mapping[str, Any]) -> ConfigDict:
    """As mmpretrain's takes it, from that of a detector too."""
    kept = {key: of_model[key] for key in ('mean', 'std') if key in of_model}
    turned = [of_model[key] for key in ('to_rgb', 'bgr_to_rgb') if key in of_model]
    return ConfigDict(kept, to_rgb=turned[0]) if turned else ConfigDict(kept)
