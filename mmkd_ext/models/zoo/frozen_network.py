"""Building a frozen network from its spec, with weights, preprocessor and image size."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.datasets.channel_order import ORDER_KEYS
from mmkd_ext.models.images.image_shape import Size, as_size, short_size
from mmkd_ext.models.plain_config import plain_model, without_weights
from mmkd_ext.models.uninitialised import made_finite
from mmkd_ext.registry import MODELS

from .network_weights import Loaded, fetched, load_wholly, read_weights
from .sources import source_of
from .spec import adapted, name_of, read_spec
from .teacher_record import Record, record_of
from .torchvision_classifier import TorchvisionClassifier

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
        loaded: How its weights fitted; None for random ones.
    """

    module: nn.Module
    name: str
    preprocessor: dict[str, Any]
    input_size: Size | None
    channel_order: str | None = None
    record: Record = Record()
    loaded: Loaded | None = None


def build_network(spec: str | Mapping[str, Any]) -> Network:
    """Build a network from a spec (see `read_spec`) and load its weights: those that the zoo knows, or a `checkpoint`.

    Raises:
        ValueError: An unknown model, no weights, or weights that do not fit.
    """
    words = read_spec(spec, 'teacher')
    name = name_of(words['model'])
    if words.get('input_size') is not None:
        as_size(words['input_size'], 'input_size of the teacher')
    checkpoint = words.get('checkpoint', None if words.get('pretrained') is False else _UNSET)
    if checkpoint is None and not words.get('allow_random'):
        raise ValueError(
            f'The teacher {name} needs weights, got {"checkpoint=None" if "checkpoint" in words else "pretrained=False"}. Name a file, or '
            'set allow_random=True if random weights are really meant.')
    source = source_of(words, 'teacher')
    with DefaultScope.overwrite_default_scope(source.scope):
        module: Any = made_finite(MODELS.build(without_weights(adapted(plain_model(source.config), words))))
    if isinstance(module, TorchvisionClassifier):
        module = module.model  # what is around it is for training
    if checkpoint == _UNSET:
        checkpoint = source.address
        if not checkpoint:
            raise ValueError(
                f'The teacher {name} needs a checkpoint, and no zoo knows one: teacher=dict(model=..., checkpoint=FILE).')
    record, loaded = Record(), None
    if checkpoint is not None:
        arch = name.removeprefix('cifar/') if name.startswith('cifar/') else None
        file = fetched(checkpoint, name)
        weights = read_weights(file, arch, words.get('prefix'), module.state_dict().keys())
        loaded = load_wholly(module, weights, name, checkpoint, words.get('allow_missing'), words.get('allow_unexpected'))
        record = record_of(file)
    preprocessor, order = dict(source.preprocessor), source.channel_order
    if words.get('data_preprocessor') is not None:
        given = dict(words['data_preprocessor'])
        silent = not any(key in given for key in ORDER_KEYS)  # of the order, which then stays what it was
        kept = {key: preprocessor[key] for key in ORDER_KEYS if key in preprocessor} if silent else {}
        preprocessor, order = {**kept, **given}, order if silent else None
    size = _only_size(module, words) if words.get('input_size') is None else short_size(
        as_size(words['input_size'], "the teacher's input_size"))
    return Network(module, name, preprocessor, size, order, record, loaded)


def pretrained_size(module: Any) -> Size | None:
    """The size of the images of timm's pretraining, whatever others the network takes; None for networks that are not timm's."""
    network = getattr(module, 'model', module)
    return short_size(_timm_size(network, {})) if getattr(network, 'pretrained_cfg', None) else None


def _timm_size(network: Any, options: Mapping[str, Any]) -> tuple[int, int]:
    """Of its table of positions, as it was built; else as timm tells it of the weights."""
    built = getattr(getattr(network, 'patch_embed', None), 'img_size', None)
    return as_size(options.get('img_size') or built or tuple(network.pretrained_cfg['input_size'][1:]), 'options.img_size of the teacher')


def _only_size(module: Any, words: Mapping[str, Any]) -> Size | None:
    """The size of the images that a network with a table of positions was made for."""
    network, options = getattr(module, 'backbone', getattr(module, 'model', module)), words.get('options') or {}
    timm = getattr(network, 'pretrained_cfg', None)
    if timm is not None:
        made_for = _timm_size(network, options)
        return short_size(made_for) if timm.get('fixed_input_size') else None
    if words['model'] == 'torchvision/maxvit_t':
        return short_size(as_size(options.get('input_size', 224)))
    size = getattr(network, 'img_size', getattr(network, 'image_size', None))
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    return short_size(sides) if len(sides) == 2 and all(isinstance(side, int) for side in sides) else None
