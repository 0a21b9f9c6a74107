"""A model that has to know the channel order of its images is told what its config's data say."""

import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from .channel_order import order_of
from .network_spec import network_config


def tell_channel_order(cfg: Config) -> None:
    """Let a model that has to know the order of its images (a distiller, an ensemble) know what the config's data tell, in place."""
    model: Any = cfg.get('model') or {}
    model = model.get('module') or model  # inside test-time augmentation
    kind = model.get('type')
    if isinstance(kind, str):
        scope = cfg.get('default_scope') or 'mmpretrain'
        with DefaultScope.overwrite_default_scope(scope), MODELS.switch_scope_and_registry(None) as registry:
            kind = registry.get(kind)
    takes = inspect.isclass(kind) and 'channel_order' in inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    if takes and model.get('channel_order') is None:
        order = order_of(cfg, _preparing(model, cfg) or {})
        if order is not None:
            model.channel_order = order


def _preparing(model: Mapping[str, Any], cfg: Mapping[str, Any]) -> Any:
    """What prepares the images of a distiller (its student's before the config's) or of an ensemble (the config's before its first's)."""
    student: Any = model.get('student')
    if isinstance(student, str):
        student = network_config(student)
    own = model.get('data_preprocessor') or cfg.get('data_preprocessor')
    networks = model.get('students') or model.get('networks')
    if isinstance(networks, Mapping) and networks and not own:
        return network_config(next(iter(networks.values()))).get('data_preprocessor')
    return (student.get('data_preprocessor') if isinstance(student, Mapping) else None) or own
