"""DSKD's weights of several layers, by their losses. L layers."""

import torch
from torch import Tensor

STRATEGIES = ('softmax', 'proportional', 'inverse_softmax', 'uniform')


def loss_based_weights(losses: Tensor, strategy: str) -> Tensor:
    """Share of each layer in a weighted sum of their losses.

    Args:
        losses: (L,) one non-negative loss per layer; a negative one counts as 0 under 'proportional'.
        strategy: 'softmax' and 'proportional' give the harder layer more, 'inverse_softmax' the easier one; 'uniform'
            gives all the same, and so does each of them where the losses are all zero.

    Returns:
        (L,) that sums to 1, detached, float32 or better. Finite for zero, equal and huge losses, infinity included.

    Raises:
        ValueError: Not a vector of at least one loss, or a strategy that is not listed.

    Source: a reading of "loss-based weight allocation" in DSKD, arXiv:2202.07846, whose equations are not public.

    Example:
        >>> import torch
        >>> loss_based_weights(torch.tensor([1.0, 3.0]), 'proportional')
        tensor([0.2500, 0.7500])
    """
    if losses.ndim != 1 or len(losses) == 0:
        raise ValueError(f'loss_based_weights needs a vector (L,) of at least one loss, got {tuple(losses.shape)}.')
    if strategy not in STRATEGIES:
        raise ValueError(f'loss_based_weights needs a strategy of {", ".join(STRATEGIES)}, got {strategy!r}.')
    dtype = torch.promote_types(losses.dtype, torch.float32)
    values = losses.detach().to(dtype).clamp(max=torch.finfo(dtype).max)
    with torch.autocast(losses.device.type, enabled=False):
        if strategy == 'softmax':
            return values.softmax(dim=0)
        if strategy == 'inverse_softmax':
            return (-values).softmax(dim=0)
        even = torch.full_like(values, 1 / len(values))
        if strategy == 'uniform':
            return even
        values = values.clamp(min=0)
        largest = values.max()
        shares = values / torch.where(largest == 0, 1.0, largest)  # so that the sum of huge losses does not overflow
        total = shares.sum()
        return torch.where(total == 0, even, shares / torch.where(total == 0, 1.0, total))
