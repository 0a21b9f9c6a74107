"""A teacher's mean embedding of each class, and the file that keeps it. N samples, K classes, D channels."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from mmkd_ext.checkpoints import AtomicBackend, read_checkpoint

_WHAT = 'mmkd_ext class means'


def compute_class_means(
    teacher: Callable[[Tensor], Any], batches: Iterable[tuple[Tensor, Tensor]], names: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Means of the teacher's embeddings, in float64, over the batches of all processes.

    Args:
        teacher: From images to `Outputs`.
        batches: Pairs of images (N, C, H, W) and labels (N,), this process's share of the data.
        names: Of the K classes.

    Returns:
        Means (K, D) in float64 and the number of samples per class (K,).

    Raises:
        ValueError: A class without samples, or a label that is no class.
    """
    sums, counts = torch.zeros(0), torch.zeros(0)
    for images, labels in batches:
        embedding = teacher(images).embedding.double()
        if not len(counts):
            sums, counts = embedding.new_zeros(len(names), embedding.shape[1]), embedding.new_zeros(len(names))
        labels = labels.to(embedding.device)
        low, high = (int(x) for x in labels.aminmax())
        if low < 0 or high >= len(names):
            raise ValueError(f'Class means need labels in 0..{len(names) - 1}, got {low}..{high} in the training data.')
        sums.index_add_(0, labels, embedding)
        counts.index_add_(0, labels, torch.ones_like(labels, dtype=counts.dtype))
    if not len(counts):
        raise ValueError('Class means need training data in every process, got none in one of them.')
    all_reduce(sums)
    all_reduce(counts)
    absent = (counts == 0).nonzero().flatten().tolist()
    if absent:
        listed = ', '.join(f'{k} ({names[k]})' for k in absent[:10])
        raise ValueError(
            f'Class means need samples of all {len(names)} classes, got none of {listed}'
            f'{", ..." if len(absent) > 10 else ""}. Look at train_dataloader.dataset.'
        )
    return (sums / counts[:, None]).cpu(), counts.long().cpu()


def digest(value: Any) -> str:
    """A short name of a config or of numbers, the same for the same content."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def save_class_means(path: str | Path, means: Tensor, counts: Tensor, provenance: Mapping[str, str]) -> None:
    """Write the file, whole or not at all."""
    content = {'what': _WHAT, 'class_means': means, 'counts': counts, 'provenance': dict(provenance)}
    with io.BytesIO() as buffer:
        torch.save(content, buffer)
        AtomicBackend().put(buffer.getvalue(), path)


def load_class_means(path: str | Path, provenance: Mapping[str, str]) -> Tensor:
    """Read means (K, D) that were made as `provenance` says.

    Raises:
        ValueError: Another kind of file, or one made with another teacher, other data or another pipeline.
    """
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
    return found['class_means']
