"""Checkpoints of a network inside another under the keys that it has as a model of its own."""

from typing import Any

from torch import nn


def saved_as_root(destination: Any, network: nn.Module, nested: str, prefix: str) -> None:
    """In a state dict, replace a network's nested entries by those of its own `state_dict()`, in place.

    `TimmClassifier` renames its keys only as a root, and takes only these.

    Args:
        destination: What `state_dict()` has gathered so far.
        network: The network.
        nested: What its keys begin with now.
        prefix: What they shall begin with, before the keys that it has as a root.
    """
    taken = [destination.pop(key) for key in list(destination) if key.startswith(nested)]
    keep_vars = any(isinstance(value, nn.Parameter) for value in taken)
    for key, value in network.state_dict(keep_vars=keep_vars).items():
        destination[prefix + key] = value
    versions = getattr(destination, '_metadata', {})
    for key in [key for key in versions if key.startswith(nested)] if nested != prefix else []:
        versions[prefix + key.removeprefix(nested)] = versions[key]
