"""Channel order, image size and class names for a model's config, taken from the data of the same config."""

import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmkd_ext.config.named_types import type_name
from mmkd_ext.datasets.channel_order import order_of
from mmkd_ext.datasets.class_names import class_names_of
from mmkd_ext.datasets.data_size import data_size
from mmkd_ext.models.images.image_shape import short_size
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.zoo.trained_network import network_config


def tell_channel_order(cfg: Config) -> None:
    """Let a model that has to know the order of its images (a distiller, an ensemble) know what the config's data tell, in place."""
    model = _told(cfg, 'channel_order')
    if model is not None:
        order = order_of(cfg, _preparing(model, cfg) or {})
        if order is not None:
            model.channel_order = order


def tell_image_size(cfg: Config) -> None:
    """Let a distiller whose student's config names no size of images know what the config's data tell, in place."""
    model = _told(cfg, 'input_size')
    if model is not None and not _names_size(model):
        size = data_size(cfg, ('train', 'val', 'test'), look=True)
        if size is not None:
            model.input_size = short_size(size)


def tell_class_names(cfg: Config) -> None:
    """Let a distiller with a frozen teacher know the names of its classes as the config's data tell them, in place."""
    model = _told(cfg, 'class_names')
    if model is not None and model.get('teacher') is not None and model.get('freeze_teacher', True):
        names = class_names_of(cfg)
        if names is not None:
            model.class_names = names


def _told(cfg: Config, option: str) -> Any:
    """The model of a config, if its type has that option and the config leaves it open."""
    model: Any = cfg.get('model') or {}
    model = model.get('module') or model  # inside test-time augmentation
    kind = model.get('type')
    if isinstance(kind, str) and kind:
        scope = cfg.get('default_scope') or 'mmpretrain'
        with DefaultScope.overwrite_default_scope(scope), MODELS.switch_scope_and_registry(None) as registry:
            kind = registry.get(kind)
    takes = inspect.isclass(kind) and option in inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    return model if takes and model.get(option) is None else None


def _names_size(model: Mapping[str, Any]) -> bool:
    student = model.get('student') or next(iter((model.get('students') or {}).values()), None)
    if student is None:
        return True  # whoever builds it has a sentence for that
    plain = network_config(student)
    timm = type_name(plain.get('type')) == 'TimmClassifier'  # of which timm knows it
    return timm or not kind_of_config(plain).sized_by_data or (plain.get('backbone') or {}).get('img_size') is not None


def _preparing(model: Mapping[str, Any], cfg: Mapping[str, Any]) -> Any:
    """The preprocessor of a distiller (its student's before the config's) or of an ensemble (the config's before its first's)."""
    student: Any = model.get('student')
    if isinstance(student, str) or (isinstance(student, Mapping) and 'type' not in student):
        student = network_config(student)
    own = model.get('data_preprocessor') or cfg.get('data_preprocessor')
    networks = model.get('students') or model.get('networks')
    if isinstance(networks, Mapping) and networks and not own:
        return network_config(next(iter(networks.values()))).get('data_preprocessor')
    return (student.get('data_preprocessor') if isinstance(student, Mapping) else None) or own
