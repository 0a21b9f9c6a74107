"""Loading weights from a file, read without executing code; they fit wholly or are refused."""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.checkpoints.addresses import local_checkpoint
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.checkpoints.weights import check_entries
from mmkd_ext.config.packaged_configs import known_configs

from .cifar_zoo import convert_cifar_zoo
from .torchvision_classifier import present_name

_COMPILED = '_orig_mod.'  # of torch.compile, wherever a compiled part stands
_WRAPPERS = ('module.', 'model.', 'net.')  # of DataParallel, and of a training framework around the network
# what a distiller's checkpoint has besides the network
_HELPERS = re.compile(r'^(distill|data_preprocessor)\.')


class Loaded(NamedTuple):
    """How weights fitted a network: entries that match, entries that it has, and the keys that only one of both sides has."""

    matched: int
    wanted: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    path: str


def fetched(checkpoint: str | Path, name: str, role: str = 'teacher') -> Path:
    """The local file of a checkpoint; an address is fetched once."""
    address = str(checkpoint)
    try:
        if 'huggingface.co/' in address and address.count('/resolve/main/') == 1:  # every such file has the same base name
            from huggingface_hub import hf_hub_download

            repository, file = address.split('huggingface.co/')[1].split('/resolve/main/')
            return Path(hf_hub_download(repository, file))
        path = Path(local_checkpoint(address))
    except ValueError as error:
        if error.__cause__ is None:  # no address to fetch from
            raise ValueError(f'The {role} {name} needs weights: {error}') from error
        raise _not_fetched(address, name, role, error.__cause__) from error
    except Exception as error:  # every library has its own for a network that is not there
        raise _not_fetched(address, name, role, error) from error
    if path.is_dir():
        raise ValueError(f'The {role} {name} needs a file of weights, got {path}, which is a folder: name a file in it.')
    if not path.is_file():
        raise ValueError(
            f'The {role} {name} needs weights, got {path}, which is not there. Put a file there, {_how_to_train(path)}or '
            f'name another{" by --cfg-options model.teacher.checkpoint=FILE" if role == "teacher" else ""}.'
        )
    return path


def _not_fetched(address: str, name: str, role: str, reason: BaseException) -> ValueError:
    where = Path(torch.hub.get_dir()) / 'checkpoints'
    return ValueError(
        f'The {role} {name} needs the weights {address}, which cannot be fetched ({type(reason).__name__}). Fetch '
        f'{address.rsplit("/", 1)[-1]} where there is a network and name it by {role}=dict(model={name!r}, '
        f'checkpoint=FILE), or put it into {where}.')


def _how_to_train(path: Path) -> str:
    """The command whose work dir the file would lie in, if there is such a config."""
    config = known_configs().get(path.parent.name, '')
    command = 'mmkd train' if '::' in config else 'python tools/train.py'
    return f'make it by `{command} {config}`, ' if config else ''


def read_weights(
    path: str | Path, cifar_arch: str | None = None, prefix: str | None = None, wanted: Collection[str] = ()
) -> Mapping[str, Tensor]:
    """Read the weights in a `.safetensors` or torch file, whatever its layout, without executing code.

    Args:
        path: The file. A layer of `state_dict`, `model`, `net` ... around the weights is taken off, and so is what DataParallel,
            torch.compile or Lightning put in front of every key (`module.`, `_orig_mod.`, `model.`, `net.`).
        cifar_arch: Name of a network of the field's CIFAR zoo, whose published keys are then renamed.
        prefix: What stands in front of the network's keys; keys without it are left out. None: as said above.
        wanted: The network's own keys, which keep a prefix that they have themselves.

    Raises:
        ValueError: No such file, a damaged one, one that holds code, or one without weights.
    """
    path = Path(path)
    if path.suffix == '.safetensors':
        from safetensors.torch import load_file

        try:
            state: Any = load_file(path)
        except Exception as error:  # SafetensorError is no ValueError, a missing file is an OSError
            raise ValueError(
                f'A whole .safetensors file is needed, got {path}, which cannot be used: {" ".join(str(error).split())}.'
            ) from error
    else:
        state = read_checkpoint(path)
    for layer in ('state_dict', 'model', 'model_state_dict', 'net'):
        if isinstance(state.get(layer), Mapping):
            state = state[layer]
    if not state or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()):
        raise ValueError(f'A file of weights is needed, got {path}, which holds: {", ".join(map(str, list(state)[:5]))}.')
    state = _without_prefix(state, path, prefix, wanted)
    if any(present_name(key) != key for key in state):
        state = {present_name(key): value for key, value in state.items()}
    if cifar_arch is not None and not any(key.startswith('backbone.') for key in state):
        return convert_cifar_zoo(state, cifar_arch)
    return state


def _without_prefix(
    state: Mapping[str, Tensor], path: Path, prefix: str | None, wanted: Collection[str]
) -> Mapping[str, Tensor]:
    if prefix is not None:
        prefix = f'{prefix.rstrip(".")}.'
        kept = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if not kept:
            raise ValueError(f'Weights whose keys begin with {prefix} are needed, got {path}, whose first key is {next(iter(state))}.')
        return kept
    if any(_COMPILED in key for key in state):
        state = {key.replace(_COMPILED, ''): value for key, value in state.items()}
    while found := next((each for each in _WRAPPERS if all(key.startswith(each) for key in state)), None):
        if any(key.startswith(found) for key in wanted):
            break
        state = {key.removeprefix(found): value for key, value in state.items()}
    return state


def load_wholly(
    module: nn.Module, state: Mapping[str, Tensor], name: str, path: str | Path,
    allow_missing: str | None = None, allow_unexpected: str | None = None, role: str = 'teacher',
) -> Loaded:  # fmt: skip
    """Load weights that fit wholly, or but for keys that the patterns allow; say and return how many did.

    Raises:
        ValueError: A key that is missing, unexpected or of another shape, and that no pattern allows.
    """
    mine = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    theirs = {key: tuple(value.shape) for key, value in state.items() if not _HELPERS.match(key)}
    missing = [k for k in mine if k not in theirs and not k.endswith('num_batches_tracked')]
    unexpected = [k for k in theirs if k not in mine]
    shapes = [f'{k} {theirs[k]} for {mine[k]}' for k in theirs if k in mine and theirs[k] != mine[k]]
    wanted = [k for k in mine if k in theirs or k in missing]
    matched = sum(theirs.get(k) == mine[k] for k in wanted)
    share = f'{matched} of {len(wanted)} entries match ({100 * matched / max(len(wanted), 1):.1f} %)'
    bad_missing = [k for k in missing if not (allow_missing and re.search(allow_missing, k))]
    bad_unexpected = [k for k in unexpected if not (allow_unexpected and re.search(allow_unexpected, k))]
    if bad_missing or bad_unexpected or shapes:
        first = {'missing': bad_missing, 'unexpected': bad_unexpected, 'of another shape': shapes}
        found = '; '.join(f'first {kind}: {keys[0] if keys else "none"}' for kind, keys in first.items())
        raise ValueError(
            f'{path} needs to fit the {role} {name} wholly, but {share}; {found}. Is it of another network or number '
            'of classes? Keys that may differ are allowed by allow_missing and allow_unexpected (patterns).'
        )
    bad = next((k for k, v in state.items() if v.is_floating_point() and not v.isfinite().all()), None)
    if bad is not None:
        raise ValueError(
            f'{path} needs to hold finite weights for the {role} {name}, got NaN or infinity in {bad}. Did its training '
            'diverge?'
        )
    check_entries(module.state_dict(), state, str(path))
    fitting = OrderedDict((k, v) for k, v in state.items() if k in theirs and k in mine)
    # the layers' versions, which some layers insist on; a file that lost them is taken for a present-day one
    # (mmpretrain's TimmClassifier gives a state without them)
    versions = getattr(state, '_metadata', None) or getattr(module.state_dict(), '_metadata', None)
    fitting._metadata = versions  # type: ignore[attr-defined]
    module.load_state_dict(fitting, strict=False)
    print_log(f'{role.capitalize()} {name}: {share} in {path}.', 'current')
    return Loaded(matched, len(wanted), tuple(missing), tuple(unexpected), str(path))
