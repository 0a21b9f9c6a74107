"""mmengine's checkpoint loaders, replaced by ones that execute nothing that a file holds.

Importing this module registers them in mmengine's own table, so that every file that mmengine, mmpretrain or mmdet reads by name
(`init_cfg=dict(type='Pretrained', ...)` anywhere in a model, `get_model(pretrained=...)`, `load_from`, `--resume`) is read as data,
whatever tool runs.
"""

from typing import Any

import torch
from mmengine.runner.checkpoint import CheckpointLoader, get_mmcls_models
from torch import Tensor

from .addresses import known_address, local_checkpoint
from .checkpoint_files import read_checkpoint

_PREFIXES = (
    '', 'http://', 'https://', 'modelzoo://', 'torchvision://', 'open-mmlab://', 'openmmlab://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://',
    'pavi://')


@CheckpointLoader.register_scheme(prefixes=list(_PREFIXES), force=True)
def load_from_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """A file or what an address leads to, which is fetched once.

    Example:
        >>> import tempfile, torch
        >>> from mmengine.runner.checkpoint import CheckpointLoader
        >>> with tempfile.NamedTemporaryFile(suffix='.pth') as file:
        ...     torch.save(dict(weight=torch.ones(2)), file.name)
        ...     CheckpointLoader.load_checkpoint(file.name, logger='silent')  # mmengine's, by way of this function
        {'weight': tensor([1., 1.])}
    """
    return _moved(read_checkpoint(local_checkpoint(filename)), map_location)


@CheckpointLoader.register_scheme(prefixes='mmcls://', force=True)
def load_from_mmcls(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The backbone of a classifier that mmengine knows by name, without its `backbone.` prefix."""
    checkpoint = load_from_file(known_address(filename, get_mmcls_models()), map_location)
    state = checkpoint.get('state_dict', checkpoint)
    return dict(state_dict={k.removeprefix('backbone.'): v for k, v in state.items() if k.startswith('backbone.')})


def _moved(found: Any, map_location: Any) -> Any:
    """The same on another device; dicts and lists stay the objects that they are."""
    if map_location is None or str(map_location) == 'cpu' or not isinstance(map_location, str | torch.device | int):
        return found
    if isinstance(found, Tensor):
        return found.to(map_location)
    if isinstance(found, dict):
        for key, value in found.items():
            found[key] = _moved(value, map_location)
    elif isinstance(found, list):
        found[:] = [_moved(value, map_location) for value in found]
    elif type(found) is tuple:
        return tuple(_moved(value, map_location) for value in found)
    return found
