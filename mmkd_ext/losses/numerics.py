"""Numerics of the losses: float32, log-probabilities, divergence, z-scores, checks of logits and temperature. N samples, K classes."""

import math
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor

# Below every difference of float16 logits, and so far from float32's end that a product with tau^2 stays finite.
_LOG_FLOOR = -1e30


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def log_probabilities(logits: Tensor) -> Tensor:
    """Log of the softmax over the last dimension, finite even where logits lie farther apart than float32 reaches."""
    return F.log_softmax(logits, dim=-1).clamp_min(_LOG_FLOOR)


def divergence(log_target: Tensor, log_prediction: Tensor) -> Tensor:
    """KL(target || prediction) over the last dimension, in nats, from log-probabilities."""
    return (log_target.exp() * (log_target - log_prediction)).sum(dim=-1)


def standardised(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Deviations from the mean over `dim`, in units of their standard deviation (population): mean 0 and variance 1.

    Values that are constant up to rounding have no such unit: they become 0 and send no gradient.
    """
    largest = x.detach().abs().amax(dim, keepdim=True)
    x = x / largest.masked_fill(largest == 0, 1.0)  # changes nothing, and keeps sums and squares in range
    centred = x - x.mean(dim, keepdim=True)
    variance = centred.square().mean(dim, keepdim=True)
    flat = variance <= (8 * torch.finfo(x.dtype).eps) ** 2 * x.detach().square().mean(dim, keepdim=True)
    return centred.masked_fill(flat, 0.0) * variance.masked_fill(flat, 1.0).rsqrt()


def check_logits(loss: str, student: Tensor, teacher: Tensor) -> None:
    """Raise a ValueError unless both are (N, K)."""
    if student.shape != teacher.shape or student.ndim != 2 or 0 in student.shape:
        raise ValueError(
            f'{loss} needs student and teacher logits of one shape (N, K), N and K > 0, got '
            f'{tuple(student.shape)} and {tuple(teacher.shape)}. Do both heads have the same num_classes?')


def check_tau(loss: str, tau: float) -> None:
    """Raise a ValueError unless the temperature is positive."""
    if not _is_positive(tau):
        raise ValueError(f'{loss} needs a temperature tau > 0, got {tau!r}; 1 leaves the logits as they are.')


def check_exponent(loss: str, gamma: float) -> None:
    """Raise a ValueError unless the exponent of the teacher's probabilities is positive."""
    if not _is_positive(gamma):
        raise ValueError(f'{loss} needs an exponent gamma > 0, got {gamma!r}; 1 leaves the probabilities as they are.')


def _is_positive(x: object) -> bool:
    return not isinstance(x, bool) and isinstance(x, Real) and float(x) > 0 and math.isfinite(x)
