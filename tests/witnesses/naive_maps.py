"""CWD, MGD and PKD by their formulas, in Python's own numbers, of maps (N, C, H, W)."""

from math import exp, log, sqrt

import torch
from torch import Tensor


def naive_cwd(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    total, channels = 0.0, student.shape[0] * student.shape[1]
    for s, t in zip(student.flatten(2).flatten(0, 1).tolist(), teacher.flatten(2).flatten(0, 1).tolist(), strict=True):
        p, q = [exp(x / tau) for x in s], [exp(x / tau) for x in t]
        total += sum(b / sum(q) * log(b / sum(q) / (a / sum(p))) for a, b in zip(p, q, strict=True))
    return torch.tensor(tau**2 * total / channels, dtype=student.dtype)


def naive_mgd(student: Tensor, teacher: Tensor) -> Tensor:
    pairs = zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True)
    return torch.tensor(sum((t - s) ** 2 for s, t in pairs) / len(student), dtype=student.dtype)


def channel(x: Tensor, c: int) -> list[float]:
    """A channel's values over samples and places."""
    return [value for sample in x.tolist() for row in sample[c] for value in row]


def standardised(values: list[float]) -> list[float]:
    mean = sum(values) / len(values)
    deviation = sqrt(sum((x - mean) ** 2 for x in values) / len(values))
    return [(x - mean) / deviation for x in values]


def naive_pkd(student: Tensor, teacher: Tensor) -> Tensor:
    total, count = 0.0, student.numel()
    for c in range(student.shape[1]):
        pairs = zip(standardised(channel(student, c)), standardised(channel(teacher, c)), strict=True)
        total += sum((a - b) ** 2 for a, b in pairs)
    return torch.tensor(total / (2 * count), dtype=student.dtype)
