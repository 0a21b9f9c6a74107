"""mmengine's checkpoint loaders, replaced by ones that execute nothing that a file holds.

Importing this module registers them in mmengine's own table, so that every file that mmengine, mmpretrain or mmdet reads by name
(`init_cfg=dict(type='Pretrained', ...)` anywhere in a model, `get_model(pretrained=...)`, `load_from`, `--resume`) is read as data,
whatever tool runs.
"""

import io
import os
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.fileio import get_file_backend
from mmengine.runner.checkpoint import (
    CheckpointLoader,
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)
from torch import Tensor

from .checkpoint_files import checkpoint_in, local_checkpoint, read_checkpoint

_LOCAL, _HTTP = '', ('http://', 'https://')
_TORCHVISION, _OPENMMLAB = ('modelzoo://', 'torchvision://'), ('open-mmlab://', 'openmmlab://')
_CEPH = (r'(\S+\:)?s3://', r'(\S+\:)?petrel://')


@CheckpointLoader.register_scheme(prefixes=[_LOCAL, *_HTTP], force=True)
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


@CheckpointLoader.register_scheme(prefixes=_TORCHVISION, force=True)
def load_from_torchvision(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The weights that torchvision knows for a name."""
    return load_from_file(_known(filename, get_torchvision_models()), map_location)


@CheckpointLoader.register_scheme(prefixes=_OPENMMLAB, force=True)
def load_from_openmmlab(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The weights that mmengine knows for a name; a relative path lies in its home."""
    name = filename.split('://', 1)[1]
    address = _known(f'openmmlab://{get_deprecated_model_names().get(name, name)}', get_external_models())
    home = os.path.expanduser(os.getenv('MMENGINE_HOME', os.path.join(os.getenv('XDG_CACHE_HOME', '~/.cache'), 'mmengine')))
    return load_from_file(address if address.startswith(_HTTP) else os.path.join(home, address), map_location)


@CheckpointLoader.register_scheme(prefixes='mmcls://', force=True)
def load_from_mmcls(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The backbone of a classifier that mmengine knows by name, without its `backbone.` prefix."""
    checkpoint = load_from_file(_known(filename, get_mmcls_models()), map_location)
    state = checkpoint.get('state_dict', checkpoint)
    return dict(state_dict={k.removeprefix('backbone.'): v for k, v in state.items() if k.startswith('backbone.')})


@CheckpointLoader.register_scheme(prefixes=list(_CEPH), force=True)
def load_from_ceph(filename: str, map_location: Any = None, backend: str = 'petrel') -> dict[str, Any]:
    """An object of a store, by mmengine's file backend."""
    content = get_file_backend(filename, backend_args=dict(backend=backend)).get(filename)
    return _moved(checkpoint_in(io.BytesIO(content), filename), map_location)


@CheckpointLoader.register_scheme(prefixes='pavi://', force=True)
def load_from_pavi(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Fetched by hand: its client hands out no bytes to check."""
    raise ValueError(f'A checkpoint file or its address is needed, got {filename}: fetch it from pavi and name the local file.')


def _known(filename: str, addresses: Mapping[str, str]) -> str:
    name = filename.split('://', 1)[1]
    if name not in addresses:
        raise ValueError(f'A checkpoint that mmengine knows is needed, got {filename}. Look at its name, or give a file or an address.')
    return addresses[name]


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
