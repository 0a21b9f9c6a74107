"""A network's config, the address of its weights, and their preprocessor, by the network's name."""

import copy
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.config.utils import MODULE2PACKAGE

from mmkd_ext.config.named_types import named
from mmkd_ext.config.packaged_configs import config_file
from mmkd_ext.datasets.channel_order import order_of
from mmkd_ext.models.outputs.kinds.known import kind_of_config

from .cifar_zoo import cifar_zoo_classifier
from .torchvision_classifier import torchvision_weights

# what the KD field trains with
_CIFAR100 = {'mean': [129.3105, 124.1085, 112.4040], 'std': [68.2125, 65.4075, 70.4055], 'to_rgb': True}


class Source(NamedTuple):
    """What is known of a network by its name.

    Attributes:
        config: Of the model, as it is built in `scope`.
        scope: 'mmpretrain', 'mmdet' or 'mmseg'.
        address: Of the weights that its zoo knows; None: it knows none.
        preprocessor: `mean`, `std`, `to_rgb` of these weights' training; empty where nobody tells.
        channel_order: Of their images, 'rgb' or 'bgr', where the name or the config's data tell; else None.
        told: Whether `preprocessor` stands in the config itself, and holds for other weights too.
    """

    config: ConfigDict
    scope: str = 'mmpretrain'
    address: str | None = None
    preprocessor: Mapping[str, Any] = {}
    channel_order: str | None = None
    told: bool = False


def source_of(words: Mapping[str, Any], role: str = 'network') -> Source:
    """Look a network up.

    Args:
        words: Of its spec, see `read_spec`.
        role: 'teacher' or 'network', for messages.

    Raises:
        ValueError: A name that no zoo knows.
    """
    model, classes = words['model'], words.get('num_classes')
    zoo, _, name = model.partition('/') if isinstance(model, str) and '::' not in model else ('', '', '')
    if zoo == 'timm':
        return _timm(name, role)
    if zoo == 'torchvision':
        published, normalised = torchvision_weights(name, role)
        config = ConfigDict(type='mmkd_ext.TorchvisionClassifier', model_name=name)
        own_weights = bool(words.get('pretrained')) if role != 'teacher' else classes is None
        if own_weights and name in ('googlenet', 'inception_v3'):
            config.transform_input = True  # as torchvision itself does for its ImageNet weights
        return Source(config, address=published, preprocessor=normalised, channel_order='rgb')
    if zoo == 'cifar':
        config = ConfigDict(cifar_zoo_classifier(name, classes or 100))
        # of another number there are none, so the student's numbers are as good as any
        return Source(config, preprocessor=_CIFAR100, channel_order='rgb') if classes in (None, 100) else Source(config)
    cfg, address = (Config({'model': dict(model)}), None) if isinstance(model, Mapping) else zoo_config(
        model, role, role == 'teacher' or bool(words.get('pretrained')))
    config = ConfigDict(copy.deepcopy(dict(cfg.model)))
    # as for mmengine, the model's own goes before the config's; a distiller's may stand in its student
    student = config.get('student')
    own = [x.get('data_preprocessor') for x in (config, student if isinstance(student, Mapping) else {}, cfg)]
    preprocessor = copy.deepcopy(dict(next(filter(None, own), {})))
    scope = cfg.get('default_scope', kind_of_config(config).scope)
    return Source(config, scope, address, preprocessor, order_of(cfg, preprocessor), told=True)


def zoo_config(name: str, role: str = 'teacher', weights: bool = True) -> tuple[Config, str | None]:
    """A config by its name in a zoo or its file, and the address of its weights where they are asked for and known.

    Raises:
        ValueError: No such config.
    """
    from mmpretrain.apis.model import ModelHub

    try:
        if '::' in name:
            from mmengine.hub import get_config

            package = name.partition('::')[0]
            if package in MODULE2PACKAGE and find_spec(package) is None:  # which mmengine.hub would install, in whatever version there is
                raise ValueError(f'{package} is not installed.')
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
            f'A {role} that a zoo knows or a config file is needed, got {name!r}: {" ".join(str(error).split())} '
            "Timm's models are written timm/NAME, torchvision's torchvision/NAME."
        ) from error
    return copy.deepcopy(found.config), found.weights


def _timm(name: str, role: str) -> Source:
    from timm.models import get_pretrained_cfg, load_model_config_from_hf

    try:
        hub = name.partition(':')[2] if name.startswith(('hf-hub:', 'hf_hub:')) else None
        found: Any = load_model_config_from_hf(hub)[0] if hub else get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise ValueError(f'A {role} that timm knows is needed, got timm/{name}: {error}.') from error
    known = found if hub else found.to_dict()
    repository = known.get('hf_hub_id')
    address = f'https://huggingface.co/{repository}/resolve/main/model.safetensors' if repository else known.get('url')
    preprocessor = {**{key: [255 * x for x in known[key]] for key in ('mean', 'std')}, 'to_rgb': True}
    config = ConfigDict(type='TimmClassifier', model_name=name, pretrained=False, loss=dict(type='CrossEntropyLoss'))
    return Source(config, address=address, preprocessor=preprocessor, channel_order='rgb')
