"""`loss_weight='auto:0.1'`: a factor that follows from the norms of gradients, measured over the first iterations and then fixed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

ITERATIONS = 20
_PREFIX = 'auto:'
_HALF_SCALE = 1024.0  # gradients of float16 would vanish without a factor


def gradient_norm(value: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Norm of a loss's gradient with respect to all of the parameters together; the graph is kept.

    Args:
        value: () of a graph.
        parameters: Those with `requires_grad`.

    Returns:
        () float32 or better; 0 where the loss reaches none of them.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> gradient_norm((2 * x**2).sum(), [x]).round(decimals=4)
        tensor(8.9443)
    """
    zero = value.new_zeros((), dtype=torch.promote_types(value.dtype, torch.float32))
    if not value.requires_grad or not parameters:
        return zero
    device = value.device.type
    half = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.float16
    scale = _HALF_SCALE if half else 1.0
    with torch.autocast(device, enabled=False):
        gradients = torch.autograd.grad(scale * value, parameters, retain_graph=True, allow_unused=True)
        norms = [torch.linalg.vector_norm(each.to(zero.dtype)) for each in gradients if each is not None]
        return torch.linalg.vector_norm(torch.stack(norms)) / scale if norms else zero


def weight_for(share: float, task: float, own: float) -> float:
    """The factor with which a loss's gradient has a share of the task loss's norm; NaN for a loss without gradient.

    Example:
        >>> weight_for(0.1, task=2.0, own=0.5)
        0.4
    """
    return share * task / own if own else math.nan


def read_weight(owner: str, loss_weight: Any) -> 'AutoWeight | None':
    """The `AutoWeight` that a text asks for; None for anything that is no text.

    Raises:
        ValueError: Another text, or a share that is no finite number above 0.
    """
    if not isinstance(loss_weight, str):
        return None
    try:
        share = float(loss_weight.removeprefix(_PREFIX)) if loss_weight.startswith(_PREFIX) else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < math.inf:
        raise ValueError(
            f"{owner} needs loss_weight to be a finite number >= 0, or 'auto:SHARE' with a share above 0 of the task loss's gradient, such "
            f"as 'auto:0.1', got {loss_weight!r}.")
    return AutoWeight(share)


class AutoWeight(nn.Module):
    """The factor that brings a loss's gradient to a share of the task loss's, on the student's shared layers.

    It is the mean norm of the task loss's gradient over the mean norm of this loss's, times the share: over the iterations so far and
    over all processes, until `ITERATIONS` have been seen. Iterations whose norms are not finite do not count. What it has measured is a
    buffer, so that a resumed run goes on with it; what is shipped has nothing of it.

    Args:
        share: Above 0.

    Example:
        >>> weight = AutoWeight(0.1)
        >>> weight.see(torch.tensor(2.0), torch.tensor(0.5))
        >>> round(weight.factor, 4), weight.fixed
        (0.4, False)
    """

    seen: Tensor

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer('seen', torch.zeros(3))  # iterations, sum of the task loss's norms, sum of this loss's
        self._known: list[float] | None = None  # the same, read from the device

    def see(self, task: Tensor, own: Tensor) -> None:
        """Take the norms () of an iteration; to be called on all processes."""
        new = torch.stack([torch.ones_like(task), task, own]).to(self.seen)
        all_reduce(new, 'mean')
        if bool(new.isfinite().all()):
            self.seen += new
            self._known = None

    def forget(self) -> None:
        """Measure anew."""
        self.seen.zero_()
        self._known = None

    @property
    def measured(self) -> tuple[int, float, float]:
        """Iterations, and the mean norms of the gradients of the task loss and of this one; zeros before the first."""
        if self._known is None:
            self._known = self.seen.tolist()
        count, task, own = self._known
        return round(count), task / max(count, 1.0), own / max(count, 1.0)

    @property
    def fixed(self) -> bool:
        """Whether it stays as it is from now on."""
        return self.measured[0] >= ITERATIONS

    @property
    def factor(self) -> float:
        """What the loss is multiplied by; 1 as long as there is nothing to go by."""
        _, task, own = self.measured
        return weight_for(self.share, task, own) if task and own else 1.0

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f'share={self.share:g}'

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)  # type: ignore[arg-type]
        self._known = None
