"""From a few words to a network with its weights: zoo configs and names, timm, torchvision, the CIFAR zoo, local files."""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.config.named_types import named, type_name
from mmkd_ext.config.packaged_configs import config_file
from mmkd_ext.datasets.channel_order import ORDER_KEYS, order_of
from mmkd_ext.errors import check_whole
from mmkd_ext.models.images.image_shape import Size, as_size, short_size
from mmkd_ext.models.plain import plain_model, without_weights

from .cifar_zoo import cifar_zoo_classifier
from .teacher_record import Record, record_of
from .teacher_weights import fetched, load_wholly, read_weights

_IMAGENET = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}
# what the KD field trains with
_CIFAR100 = {'mean': [129.3105, 124.1085, 112.4040], 'std': [68.2125, 65.4075, 70.4055], 'to_rgb': True}
_UNSET = '<the address that the zoo knows>'


class Network(NamedTuple):
    """A network with its weights and what it wants its images to be.

    Attributes:
        module: From normalised images to logits.
        name: For messages.
        preprocessor: `mean`, `std`, `to_rgb` of its training; empty: as the student's.
        input_size: Side of its images, or (height, width), where it takes one size only, else None.
        channel_order: Of its images, 'rgb' or 'bgr', where its name or its config's data tell; else None.
        record: What its checkpoint says of itself.
    """

    module: nn.Module
    name: str
    preprocessor: dict[str, Any]
    input_size: Size | None
    channel_order: str | None = None
    record: Record = Record()


def build_network(spec: str | Mapping[str, Any]) -> Network:
    """Build a network from a spec and load its weights.

    Args:
        spec: One of

            - `'mmpretrain::resnet/resnet34_8xb32_in1k.py'` or a model name of the zoo
            - `'timm/resnet50.a1_in1k'`, `'torchvision/resnet34'` (its first ImageNet weights)
            - `dict(model=..., checkpoint=FILE)` with one of the above, a local config file, `'cifar/resnet56'` (the
              field's CIFAR zoo) or a model config as `model`. More keys: `data_preprocessor`, `num_classes`,
              `input_size`, `channel_order`, `options` (merged into the model's config, such as
              `dict(backbone=dict(out_indices=...))` for more stages; torchvision's ResNets take `pre_activation=True`
              for stages before their last ReLU), `allow_missing` and `allow_unexpected` (patterns of keys that the file
              may lack or have too many), `prefix` (what stands in front of the network's keys in the file; other keys are
              left out). `checkpoint=None` together with `allow_random=True` leaves random weights, for
              tests.

    Raises:
        ValueError: An unknown model, no weights, or weights that do not fit.
    """
    options: dict[str, Any] = dict(spec) if isinstance(spec, Mapping) else {'model': spec}
    known = {
        'model', 'checkpoint', 'data_preprocessor', 'num_classes', 'input_size', 'channel_order', 'allow_missing',
        'allow_unexpected', 'allow_random', 'options', 'prefix'}  # fmt: skip
    if not isinstance(options.get('model'), str | Mapping) or set(options) - known:
        raise ValueError(
            f'A teacher needs a name or a dict with model and any of {", ".join(sorted(known - {"model"} | {"compile", "precision"}))}; '
            f'got {", ".join(map(str, options))} with a model of type {type(options.get("model")).__name__}.'
        )
    check_whole(f'The teacher {_name(options["model"])}', num_classes=options.get('num_classes'))
    if options.get('input_size') is not None:
        as_size(options['input_size'], 'input_size of the teacher')
    checkpoint = options.get('checkpoint', _UNSET)
    if checkpoint is None and not options.get('allow_random'):
        raise ValueError(
            f'The teacher {_name(options["model"])} needs weights, got checkpoint=None. Name a file, or set '
            'allow_random=True if random weights are really meant.'
        )
    module, address, preprocessor, input_size, order = _unloaded(
        options['model'], options.get('num_classes'), options.get('options') or {})
    name = _name(options['model'])
    if checkpoint == _UNSET:
        checkpoint = address
        if not address:
            raise ValueError(
                f'The teacher {name} needs a checkpoint, and no zoo knows one: teacher=dict(model=..., checkpoint=FILE).'
            )
    record = Record()
    if checkpoint is not None:
        arch = name.removeprefix('cifar/') if name.startswith('cifar/') else None
        file = fetched(checkpoint, name)
        weights = read_weights(file, arch, options.get('prefix'), module.state_dict().keys())
        load_wholly(
            module, weights, name, checkpoint, options.get('allow_missing'), options.get('allow_unexpected'))
        record = record_of(file)
    if options.get('data_preprocessor') is not None:
        given = dict(options['data_preprocessor'])
        silent = not any(key in given for key in ORDER_KEYS)  # of the order, which then stays what it was
        preprocessor, order = ({**_order_words(preprocessor), **given}, order) if silent else (given, None)
    own = input_size if options.get('input_size') is None else short_size(as_size(options['input_size'], "the teacher's input_size"))
    return Network(module, name, preprocessor, own, order, record)


def _order_words(preprocessor: Mapping[str, Any]) -> dict[str, Any]:
    return {key: preprocessor[key] for key in ORDER_KEYS if key in preprocessor}


def _name(model: str | Mapping) -> str:
    return model if isinstance(model, str) else type_name(model.get('type'))


def _unloaded(
    model: str | Mapping, num_classes: int | None, options: Mapping[str, Any]
) -> tuple[nn.Module, str | None, dict, Size | None, str | None]:
    """The network with random weights, the address of its weights, its preprocessor, its only input size and its channel order."""
    if isinstance(model, str) and model.startswith('timm/'):
        return (*_timm(model.removeprefix('timm/'), num_classes, options), 'rgb')
    if isinstance(model, str) and model.startswith('torchvision/'):
        return (*_torchvision(model.removeprefix('torchvision/'), num_classes, options), 'rgb')
    if isinstance(model, str) and model.startswith('cifar/'):
        classifier = cifar_zoo_classifier(model.removeprefix('cifar/'), num_classes or 100)
        published = num_classes in (None, 100)  # of another number there are none, so the student's numbers are as good as any
        preprocessor, order = (dict(_CIFAR100), 'rgb') if published else ({}, None)
        return _classifier(classifier, 'mmpretrain', options), None, preprocessor, None, order
    cfg, address = zoo_config(model) if isinstance(model, str) else (Config({'model': dict(model)}), None)
    model_cfg = ConfigDict(copy.deepcopy(dict(cfg.model)))
    if num_classes is not None and model_cfg.get('head') is not None:
        model_cfg.head.num_classes = num_classes
    scope = cfg.get('default_scope', 'mmdet' if 'roi_head' in model_cfg else 'mmpretrain')
    module = _classifier(model_cfg, scope, options)
    # as for the host, the model's own goes before the config's; a distiller's may stand in its student
    own = [x.get('data_preprocessor') for x in (model_cfg, model_cfg.get('student') or {}, cfg)]
    preprocessor = dict(next(filter(None, own), {}))
    return module, address, preprocessor, _only_size(getattr(module, 'backbone', None)), order_of(cfg, preprocessor)


def _only_size(network: Any) -> Size | None:
    """The size of the images that a network with a table of positions was made for."""
    size = getattr(network, 'img_size', getattr(network, 'image_size', None))
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    return short_size(sides) if len(sides) == 2 and all(isinstance(side, int) for side in sides) else None


def zoo_config(name: str, what: str = 'teacher', weights: bool = True) -> tuple[Config, str | None]:
    """A config by its name in a zoo or its file, and the address of its weights where they are asked for and known.

    Raises:
        ValueError: No such config.
    """
    from mmpretrain.apis.model import ModelHub

    try:
        if '::' in name:
            from mmengine.hub import get_config

            try:
                cfg = get_config(name, pretrained=weights)
            except AssertionError as error:  # a config without published weights, as ours are
                if 'Weights' not in str(error):
                    raise
                cfg = get_config(name)
            return cfg, cfg.get('model_path')
        if name.endswith('.py'):
            cfg = named(Config.fromfile(config_file(name)))
            if not isinstance(cfg.get('model'), Mapping):
                raise ValueError('a config without a model.')
            return cfg, None
        found = ModelHub.get(name)
    except (ValueError, OSError, AssertionError, SyntaxError) as error:
        raise ValueError(
            f'A {what} that a zoo knows or a config file is needed, got {name!r}: {" ".join(str(error).split())} '
            "Timm's models are written timm/NAME, torchvision's torchvision/NAME."
        ) from error
    return copy.deepcopy(found.config), found.weights


def _classifier(cfg: Mapping, scope: str, options: Mapping[str, Any]) -> nn.Module:
    from mmpretrain.registry import MODELS

    with DefaultScope.overwrite_default_scope(scope):
        plain = Config({'model': without_weights(plain_model(dict(cfg)))})
        plain.merge_from_dict({'model': dict(options)})
        return MODELS.build(plain.model)


def _timm(
    name: str, num_classes: int | None, options: Mapping[str, Any]
) -> tuple[nn.Module, str | None, dict, Size | None]:
    import timm

    kwargs: dict[str, Any] = {**options, **({} if num_classes is None else {'num_classes': num_classes})}
    try:
        module: Any = timm.create_model(name, **kwargs)
    except RuntimeError as error:
        raise ValueError(f'A teacher that timm knows is needed, got timm/{name}: {error}.') from error
    cfg = module.pretrained_cfg
    preprocessor = {
        'mean': [255 * x for x in cfg['mean']],
        'std': [255 * x for x in cfg['std']],
        'to_rgb': True,
    }
    hub = cfg.get('hf_hub_id')
    address = f'https://huggingface.co/{hub}/resolve/main/model.safetensors' if hub else cfg.get('url')
    size = short_size(as_size(kwargs.get('img_size') or tuple(cfg['input_size'][1:]), 'options.img_size of the teacher'))
    return module, address, preprocessor, size if cfg.get('fixed_input_size') else None


def _torchvision(
    name: str, num_classes: int | None, options: Mapping[str, Any]
) -> tuple[nn.Module, str | None, dict, Size | None]:
    import torchvision.models

    kwargs: dict[str, Any] = {**options, **({} if num_classes is None else {'num_classes': num_classes})}
    if name in ('googlenet', 'inception_v3'):
        kwargs['init_weights'] = False  # they warn without; the weights come from a file
        if num_classes is None:
            kwargs.setdefault('transform_input', True)  # as torchvision itself does for its ImageNet weights
    pre_activation = kwargs.pop('pre_activation', False)
    try:
        module = torchvision.models.get_model(name, weights=None, **kwargs)
        weights = torchvision.models.get_model_weights(name)
    except ValueError as error:
        raise ValueError(f'A teacher that torchvision knows is needed, got torchvision/{name}: {error}.') from error
    if pre_activation:
        _keep_pre_activations(module, name)
    first = next(iter(weights))
    own = first.transforms.keywords  # in 0..1, and only where it is not ImageNet's (EfficientNetV2-L)
    numbers = {key: [255 * x for x in own[key]] for key in ('mean', 'std') if key in own}
    size = short_size(as_size(kwargs.get('input_size', 224))) if name == 'maxvit_t' else _only_size(module)
    return module, first.url, {**_IMAGENET, **numbers}, size


def _keep_pre_activations(module: nn.Module, name: str) -> None:
    """Let `recording` read a torchvision ResNet's stages before their last ReLU."""
    from torchvision.models import ResNet

    if not isinstance(module, ResNet):
        raise ValueError(f"pre_activation=True needs one of torchvision's ResNets, got torchvision/{name}.")
    module.pre_activation = True  # type: ignore[assignment]
    for stage in (module.layer1, module.layer2, module.layer3, module.layer4):
        stage[-1].relu.inplace = False  # or the map would be overwritten
