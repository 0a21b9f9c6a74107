"""The file of class means, with the teacher, data and pipeline that it was made of. K classes, D channels."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.checkpoints.checkpoint_files import AtomicBackend, read_checkpoint
from mmkd_ext.files.partial_files import remove_partial_files

_WHAT = 'mmkd_ext class means'


def digest(value: Any) -> str:
    """A short name of a config or of numbers, the same for the same content."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def save_class_means(path: str | Path, means: Tensor, counts: Tensor, provenance: Mapping[str, str]) -> None:
    """Write the file, whole or not at all."""
    content = {'what': _WHAT, 'class_means': means, 'counts': counts, 'provenance': dict(provenance)}
    remove_partial_files(Path(path).parent)
    with io.BytesIO() as buffer:
        torch.save(content, buffer)
        AtomicBackend().put(buffer.getvalue(), path)


def load_class_means(path: str | Path, provenance: Mapping[str, str]) -> tuple[Tensor, Tensor]:
    """Read means (K, D) and counts (K,) that were made as `provenance` says.

    Raises:
        ValueError: Another kind of file, or one made with another teacher, other data or another pipeline.
    """
    remove_partial_files(Path(path).parent)
    found = read_checkpoint(path)
    if found.get('what') != _WHAT or not isinstance(found.get('provenance'), dict):
        raise ValueError(f'A file of class means is needed, got {path}, which is something else. Name another file.')
    others = {key: (value, found['provenance'].get(key)) for key, value in provenance.items()}
    differing = [f'{key} {theirs} instead of {mine}' for key, (mine, theirs) in others.items() if mine != theirs]
    if differing:
        raise ValueError(
            f"Class means of this run's teacher, data and pipeline are needed, got {path}, which was made with "
            f'{"; ".join(differing)}. Remove it, or give ClassMeansHook another file.'
        )
    return found['class_means'], found['counts']
