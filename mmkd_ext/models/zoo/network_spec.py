"""From a few words to the config of a network that trains: zoo configs and names, timm, the CIFAR zoo, local files."""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.checkpoints.checkpoint_files import local_checkpoint, read_checkpoint
from mmkd_ext.checkpoints.weights import check_weights, weights_of
from mmkd_ext.config.named_types import type_name
from mmkd_ext.errors import check_whole
from mmkd_ext.registry import MODELS

from .cifar_zoo import cifar_zoo_classifier
from .teacher_spec import zoo_config

_KNOWN = ('model', 'num_classes', 'options', 'pretrained', 'checkpoint')


def network_config(spec: str | Mapping[str, Any]) -> ConfigDict:
    """The model config of a network, with `data_preprocessor` where the zoo tells it.

    Args:
        spec: One of

            - `'mmpretrain::resnet/resnet18_8xb32_in1k.py'`, a model name of the zoo, `'mmdet::...'` or a local config file
            - `'timm/resnet18'`; `'cifar/resnet20'` (the KD field's CIFAR zoo)
            - a model config
            - `dict(model=...)` with one of the above. More keys: `num_classes`; `options`, merged into the model's config, such as
              `dict(backbone=dict(frozen_stages=1))`; `pretrained=True`, with which a backbone of a zoo starts from the zoo's weights;
              `checkpoint`, a file of this whole network, which `build_trained` reads.

    Raises:
        ValueError: An unknown model or key, `num_classes` of a model without a head that has one, or `pretrained` where no zoo
            knows weights.
    """
    words = _words(spec)
    address: str | None = None
    model, classes = words['model'], words.get('num_classes')
    check_whole(f'The network {model if isinstance(model, str) else model.get("type")}', num_classes=classes)
    if isinstance(model, Mapping):
        plain = ConfigDict(copy.deepcopy(dict(model)))
    elif model.startswith('timm/'):
        plain = ConfigDict(type='TimmClassifier', model_name=model.removeprefix('timm/'), pretrained=False)
        plain.loss = ConfigDict(type='CrossEntropyLoss')
    elif model.startswith('cifar/'):
        plain = ConfigDict(cifar_zoo_classifier(model.removeprefix('cifar/'), classes or 100))
    elif model.startswith('torchvision/'):
        raise ValueError(
            f"A network that trains comes from mmpretrain, timm (timm/{model.removeprefix('torchvision/')}) or a config, got {model}: "
            'torchvision has frozen teachers only.')
    else:
        cfg, address = zoo_config(model, 'network', weights=bool(words.get('pretrained')))
        plain = ConfigDict(copy.deepcopy(dict(cfg.model)))
        if plain.get('data_preprocessor') is None and cfg.get('data_preprocessor') is not None:
            plain.data_preprocessor = copy.deepcopy(cfg.data_preprocessor)
    if words.get('pretrained'):
        _start_from(plain, address, model)
    if classes is not None:
        _set_classes(plain, classes)
    if words.get('options'):
        merged = Config({'model': plain})
        merged.merge_from_dict({'model': dict(words['options'])})
        plain = merged.model
    return plain


def build_trained(spec: str | Mapping[str, Any], data_preprocessor: Mapping[str, Any] | None, scope: str) -> nn.Module:
    """The network itself, with the weights of the spec's `checkpoint`, or as the model's own `init_cfg` will have them.

    Args:
        spec: See `network_config`.
        data_preprocessor: For a network that names none.
        scope: The registry's scope in which its config is written.
    """
    plain = network_config(spec)
    if plain.get('data_preprocessor') is None and data_preprocessor is not None:
        plain.data_preprocessor = copy.deepcopy(dict(data_preprocessor))
    with DefaultScope.overwrite_default_scope(scope):
        network: Any = MODELS.build(plain)
    checkpoint = _words(spec).get('checkpoint')
    if checkpoint is not None:
        path = local_checkpoint(checkpoint)
        state = read_checkpoint(path)
        check_weights(network, state, path)
        network.load_state_dict(weights_of(state, path), strict=False)  # a training checkpoint has helpers beside it
        for module in network.modules():
            if hasattr(module, '_is_init'):
                module._is_init = True  # the host's initialisation goes past it
    return network


def _words(spec: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(spec, str | Mapping):
        raise ValueError(f'A network needs a name, a model config, or a dict with model; got {spec!r}.')
    words = {'model': spec} if isinstance(spec, str) or 'type' in spec else dict(spec)
    if not isinstance(words.get('model'), str | Mapping) or set(words) - set(_KNOWN):
        raise ValueError(
            f'A network needs a name, a model config, or a dict with model and any of {", ".join(_KNOWN[1:])}; got '
            f'{", ".join(map(str, words)) or "nothing"} with a model of type {type(words.get("model")).__name__}.')
    return words


def _start_from(plain: ConfigDict, address: str | None, model: Any) -> None:
    if type_name(plain.get('type')) == 'TimmClassifier':
        plain.pretrained = True
        _normalise_as_timm(plain)
    elif address and 'backbone' in plain:
        plain.backbone.init_cfg = ConfigDict(type='Pretrained', checkpoint=address, prefix='backbone')
    else:
        raise ValueError(
            f'pretrained=True needs a model whose weights a zoo knows, got {model if isinstance(model, str) else plain.get("type")}: '
            'give its backbone an init_cfg in options.')


def _normalise_as_timm(plain: ConfigDict) -> None:
    """Its weights want the mean and deviation of their own training."""
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(plain.model_name)
    if known is not None:
        mean, std = ([255 * x for x in values] for values in (known.mean, known.std))
        plain.data_preprocessor = ConfigDict(mean=mean, std=std, to_rgb=True)


def _set_classes(plain: ConfigDict, classes: int) -> None:
    head: Any = plain.get('head') or {}
    counting: tuple[Any, ...] = plain.get('data_preprocessor') or {}, head.get('loss') or {}
    for part in counting:  # mixed labels and label smoothing count them too
        if part.get('num_classes') is not None:
            part.num_classes = classes
    boxes: Any = (plain.get('roi_head') or {}).get('bbox_head')
    if type_name(plain.get('type')) == 'TimmClassifier':
        plain.num_classes = classes
    elif boxes is not None:
        masks = plain.roi_head.get('mask_head')
        for each in [*(boxes if isinstance(boxes, list) else [boxes]), *([masks] if masks else [])]:
            each.num_classes = classes
    elif 'num_classes' in head:
        head.num_classes = classes
        if 'topk' in head:
            head.topk = tuple(k for k in ([head.topk] if isinstance(head.topk, int) else head.topk) if k <= classes)
    elif 'num_classes' in (plain.get('backbone') or {}):  # VGG's classifier
        plain.backbone.num_classes = classes
    else:
        raise ValueError(f'num_classes={classes} needs a model with a head that has it, got {plain.get("type")}: set it in options.')
