"""Classes without a class mean, since the data has no sample of them. N samples, K classes, D channels.

Their row is NaN where means are made and given to a loss, and zero where a loss keeps it, so that a checkpoint holds finite numbers.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


def listed(classes: Iterable[str]) -> str:
    """The first ten, and that there are more."""
    names = list(classes)
    return f'{", ".join(names[:10])}{", ..." if len(names) > 10 else ""}'


def zeros_for_absent(means: Tensor, owner: str = 'NDLoss') -> Tensor:
    """A copy of class means (K, D) with zeros in the rows that are nothing but NaN.

    Raises:
        ValueError: A row that is zero or partly not finite, or no other row.
    """
    absent = means.isnan().all(dim=1)
    bad = (means == 0).all(dim=1) | ~means.isfinite().all(dim=1) & (~absent | absent.all())
    if bad.any():
        raise ValueError(
            f'{owner} needs a finite class mean other than zero for each of {len(means)} classes; got none for '
            f'{listed(map(str, bad.nonzero().flatten().tolist()))}. Are these in the training data?')
    return torch.where(absent[:, None], 0.0, means.detach())


def rows_without_mean(means: Tensor, names: Mapping[int, str] | None = None) -> dict[int, str]:
    """Rows of means (K, D) that are nothing but NaN or nothing but zero, each with what a sentence calls it; it waits for the device."""
    absent = (means.isnan() | (means == 0)).all(dim=1).nonzero().flatten().tolist()
    return {k: f'{k} ({names[k]})' if names and k in names else str(k) for k in absent}


def refuse_samples_without_mean(labels: Tensor, absent: Mapping[int, str], place: str = 'a batch', owner: str = 'NDLoss') -> None:
    """Refuse labels of classes without a mean, where a look at them costs no waiting: on a CPU.

    Args:
        labels: (N,) integers or (N, K) soft labels.
        absent: Row -> what a sentence calls it.
        place: Where the labels are from.
        owner: The loss's type.

    Raises:
        ValueError: There is one.
    """
    if not absent or labels.device.type != 'cpu':
        return
    found = labels.flatten().tolist() if labels.ndim < 2 else (labels != 0).any(dim=0).nonzero().flatten().tolist()
    named = [absent[k] for k in sorted(set(found)) if k in absent]
    if named:
        raise ValueError(
            f'{owner} needs the class mean of every class that it is given, got a sample of {listed(named)} in {place}, and no '
            'sample of it when the class means were made. Were they made of other data, or of too few images '
            '(max_images of ClassMeansHook)?')


def any_without_mean(target: Tensor, means: Tensor) -> Tensor:
    """() whether a sample of labels (N,) or soft labels (N, K) is of a class whose row of means (K, D) is zero; read from no device."""
    absent = (means == 0).all(dim=1)
    return ((target != 0) & absent).any() if target.ndim == 2 else absent[target.long()].any()
