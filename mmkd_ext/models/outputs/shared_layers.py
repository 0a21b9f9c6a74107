"""The layers of a network that every loss shares: its backbone, on which gradients of several losses are compared."""

from typing import Any

from torch import nn


def shared_parameters(network: Any) -> list[nn.Parameter]:
    """The trained parameters of a network's backbone, without its classifier where that is a part of it (timm, torchvision, VGG).

    Args:
        network: Of mmpretrain, mmdet, timm or torchvision.

    Example:
        >>> from types import SimpleNamespace
        >>> network = SimpleNamespace(backbone=nn.Linear(3, 2), head=nn.Linear(2, 5))
        >>> [tuple(each.shape) for each in shared_parameters(network)]
        [(2, 3), (2,)]
    """
    alone = getattr(network, 'backbone', None) is None
    body: Any = getattr(network, 'model', network) if alone else network.backbone
    head = getattr(network, 'head', None)
    bare = isinstance(head, nn.Module) and next(head.parameters(), None) is None  # VGG's has the loss only
    own = {id(each) for part in (_classifier(body) if alone or bare else ()) for each in part.parameters()}
    return [each for each in body.parameters() if each.requires_grad and id(each) not in own]


def _classifier(body: Any) -> list[nn.Module]:
    if hasattr(body, 'get_classifier'):  # timm
        found = body.get_classifier()
        return [each for each in (found if isinstance(found, tuple | list | nn.ModuleList) else [found]) if isinstance(each, nn.Module)]
    linear: list[nn.Module] = [module for module in body.modules() if isinstance(module, nn.Linear)]
    return linear[-1:]
