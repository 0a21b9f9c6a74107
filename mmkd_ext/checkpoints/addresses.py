"""The local file of a checkpoint: its path, or what an address leads to, of a server, a store, or a zoo's name that mmengine knows."""

import hashlib
import os
import socket
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import url2pathname

import torch
from mmengine.fileio import get_file_backend
from mmengine.runner.checkpoint import get_deprecated_model_names, get_external_models, get_torchvision_models

from .checkpoint_files import AtomicBackend

_ADDRESS = '.address'  # beside a file that was fetched: from where
_SILENCE = 30  # seconds after which a server that says nothing is given up


def local_checkpoint(spec: str) -> str:
    """A local path for a path or an address; what a server has is fetched once into torch's hub folder, what a store has each time.

    Args:
        spec: A path, or an address that begins with `http://`, `https://`, `file://`, `s3://` or `petrel://` (a cluster's name may stand
            before these two), `torchvision://` or `openmmlab://`.

    Raises:
        ValueError: Not a string, an address of another kind, or one that cannot be fetched, with what that needs.
    """
    if not isinstance(spec, str) or not spec:
        raise ValueError(f'The path or URL of a checkpoint is needed, got {spec!r}: look at load_from or the command.')
    scheme, _, rest = spec.partition('://')
    if '://' not in spec:
        return os.path.expanduser(spec)
    match scheme.lower().rpartition(':')[2]:
        case 'http' | 'https':
            return _downloaded(spec)
        case 'file':
            return url2pathname(f'/{rest.partition("/")[2]}')
        case 's3' | 'petrel':
            return _out_of_a_store(spec)
        case 'torchvision' | 'modelzoo':
            return local_checkpoint(known_address(spec, get_torchvision_models()))
        case 'openmmlab' | 'open-mmlab':
            address = known_address(f'openmmlab://{get_deprecated_model_names().get(rest, rest)}', get_external_models())
            home = os.getenv('MMENGINE_HOME', os.path.join(os.getenv('XDG_CACHE_HOME', '~/.cache'), 'mmengine'))
            return local_checkpoint(address if '://' in address else os.path.join(os.path.expanduser(home), address))
        case 'mmcls':
            raise ValueError(
                f"Weights of a whole network are needed, got {spec}: of such a name mmengine reads the backbone alone, in "
                "init_cfg=dict(type='Pretrained', checkpoint=...) of a backbone.")
        case 'pavi':
            raise ValueError(f'A checkpoint file or its address is needed, got {spec}: fetch it from pavi and name the local file.')
        case other:
            raise ValueError(
                'A checkpoint file, or an address that begins with http://, https://, file://, s3://, petrel://, torchvision:// or '
                f'openmmlab://, is needed, got {spec}, which begins with {other}://. Fetch the file by hand and name it by its path.')


def known_address(spec: str, addresses: Mapping[str, str]) -> str:
    """Where the weights of a zoo's name are.

    Raises:
        ValueError: No such name.
    """
    name = spec.split('://', 1)[1]
    if name not in addresses:
        raise ValueError(f'A checkpoint that mmengine knows is needed, got {spec}. Look at its name, or give a file or an address.')
    return addresses[name]


def _downloaded(address: str) -> str:
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    if not os.path.basename(address):
        raise ValueError(f'The address of a file is needed, got {address}, which ends without a name.')
    target = _place_of(address, folder)
    if os.path.exists(target):
        return target
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)
    try:
        torch.hub.download_url_to_file(address, target, progress=False)
    except (OSError, ValueError, HTTPException) as error:  # URLError and HTTPError too; the last two: of what is no address
        raise ValueError(
            f'A checkpoint that can be fetched is needed, got {address}: {error}. Fetch it where there is a network, then put the file at '
            f'{target}, or name a local one.'
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
    Path(f'{target}{_ADDRESS}').write_text(address)
    return target


def _place_of(address: str, folder: str) -> str:
    """The local path for an address: its file name, unless a file of another address has that name.

    A file without a note of its address was put there by hand, or by torch.
    """
    target = os.path.join(folder, os.path.basename(address))
    note = Path(f'{target}{_ADDRESS}')
    if os.path.exists(target) and note.exists() and note.read_text() != address:
        return _named_after(address, folder)
    return target


def _named_after(address: str, folder: str) -> str:
    return os.path.join(folder, f'{hashlib.sha256(address.encode()).hexdigest()[:16]}-{os.path.basename(address)}')


def _out_of_a_store(address: str) -> str:
    """By mmengine's file backend; an object may be another one tomorrow."""
    try:
        content = get_file_backend(address, backend_args=dict(backend='petrel')).get(address)
    except ImportError as error:
        raise ValueError(
            f'A checkpoint that can be fetched is needed, got {address}: mmengine reads such stores by the package petrel_client, which is '
            f'not installed ({error}). Fetch the file by hand and name it by its path.') from None
    except Exception as error:  # the client's own
        raise ValueError(f'A checkpoint that can be fetched is needed, got {address}: {error or type(error).__name__}.') from error
    target = _named_after(address, os.path.join(torch.hub.get_dir(), 'checkpoints'))
    AtomicBackend().put(content, target)
    return target
