"""The known kinds, and the kind of a network or of a config."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from .backbone import Backbone
from .base import Kind
from .classifier import Classifier
from .dense.kind import Dense
from .query.kind import Query
from .segmentor.kind import Segmentor
from .two_stage.kind import TwoStage

KINDS: list[type[Kind]] = [TwoStage, Query, Dense, Segmentor, Backbone, Classifier]  # the first that knows a network as its own


def register_kind(kind: type[Kind]) -> type[Kind]:
    """Make a kind known, before those that are; as a decorator of a class, in a module that a config imports."""
    KINDS.insert(0, kind)
    return kind


def kind_of(network: nn.Module) -> type[Kind]:
    """The kind of a network; of a distiller that of its student.

    Example:
        >>> kind_of(nn.Linear(3, 2)).__name__
        'Classifier'
    """
    network = getattr(network, 'student', network)
    return next(kind for kind in KINDS if kind.is_network(network))


def kind_of_config(cfg: Mapping[str, Any]) -> type[Kind]:
    """The kind of a model by its config."""
    return next(kind for kind in KINDS if kind.is_config(cfg))


def class_heads(boxes: bool) -> tuple[str, ...]:
    """Names of the modules that count classes, in networks that learn of boxes or pixels, or in those that learn of whole images."""
    return tuple(dict.fromkeys(name for kind in KINDS if kind.shares_samples != boxes for name in kind.class_heads))
