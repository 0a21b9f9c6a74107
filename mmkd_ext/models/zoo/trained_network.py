"""Building a network that trains, with the weights that it starts from, by its spec."""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.config.named_types import type_name
from mmkd_ext.datasets.channel_order import ORDER_KEYS
from mmkd_ext.models.plain_config import distils, plain_model
from mmkd_ext.models.uninitialised import made_finite
from mmkd_ext.registry import MODELS

from .network_weights import fetched, load_wholly, read_weights
from .sources import Source, source_of
from .spec import adapted, name_of, read_spec


def network_config(spec: str | Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None = None) -> ConfigDict:
    """The model config of a network, with `data_preprocessor` where its spec, its zoo or its weights tell one.

    Args:
        spec: See `read_spec`. Of a config that distils it is the student as it is deployed.
        data_preprocessor: For a network that names none; the mean and deviation of weights that it starts from go before its own.

    Raises:
        ValueError: As `read_spec`; an unknown model, or `pretrained` where no zoo knows weights.
    """
    words = read_spec(spec)
    source = source_of(words)
    plain = plain_model(source.config) if distils(source.config) else ConfigDict(copy.deepcopy(dict(source.config)))
    own = words.get('data_preprocessor')
    if own is not None:
        plain.data_preprocessor = ConfigDict(copy.deepcopy(dict(own)))
    elif source.told and source.preprocessor and plain.get('data_preprocessor') is None:
        plain.data_preprocessor = ConfigDict(copy.deepcopy(dict(source.preprocessor)))
    if words.get('pretrained'):
        plain = _started(plain, source, words['model'])
        if own is None and not source.told and source.preprocessor:
            given = {key: value for key, value in (data_preprocessor or {}).items() if key not in ORDER_KEYS}
            plain.data_preprocessor = ConfigDict({**copy.deepcopy(given), **source.preprocessor})
    if plain.get('data_preprocessor') is None and data_preprocessor is not None:
        plain.data_preprocessor = ConfigDict(copy.deepcopy(dict(data_preprocessor)))
    return adapted(plain, words)


def build_trained(spec: str | Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None, scope: str) -> nn.Module:
    """The network itself, with the weights of the spec's `checkpoint`, or as the model's own `init_cfg` will have them.

    Args:
        spec: See `network_config`.
        data_preprocessor: As there.
        scope: The registry's scope in which its config is written.

    Raises:
        ValueError: As `network_config`; a checkpoint that does not fit wholly.
    """
    plain, words = network_config(spec, data_preprocessor), read_spec(spec)
    with DefaultScope.overwrite_default_scope(scope):
        network: Any = made_finite(MODELS.build(plain))
    name, checkpoint = name_of(words['model']), words.get('checkpoint')
    if checkpoint is not None:
        file = fetched(checkpoint, name, 'network')
        arch = name.removeprefix('cifar/') if name.startswith('cifar/') else None
        weights = read_weights(file, arch, words.get('prefix'), network.state_dict().keys())
        load_wholly(
            network, weights, name, checkpoint, words.get('allow_missing'), words.get('allow_unexpected'), 'network')
    if checkpoint is not None or plain.get('pretrained') is True:
        for module in network.modules():
            if hasattr(module, '_is_init'):
                module._is_init = True  # mmengine's initialisation goes past it, and timm's own too
    return network


def _started(plain: ConfigDict, source: Source, model: Any) -> ConfigDict:
    """From the weights that its zoo knows."""
    kind = type_name(plain.get('type'))
    if kind == 'TimmClassifier':
        plain.pretrained = True
    elif kind == 'TorchvisionClassifier' and source.address:
        plain.init_cfg = ConfigDict(type='Pretrained', checkpoint=source.address)
    elif source.address and 'backbone' in plain:
        plain.pop('pretrained', None)  # the backbone's own weights, in configs of mmseg
        plain.backbone.init_cfg = ConfigDict(type='Pretrained', checkpoint=source.address, prefix='backbone')
    else:
        raise ValueError(
            f'pretrained=True needs a model whose weights a zoo knows, got {model if isinstance(model, str) else plain.get("type")}: '
            'give its backbone an init_cfg in options.')
    return plain
