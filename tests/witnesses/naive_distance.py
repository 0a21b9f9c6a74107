"""One minus the cosine and smooth L1 by their formulas, in Python's own numbers, of vectors (N, D)."""

from math import sqrt

import torch
from torch import Tensor


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def smooth(x: float, beta: float) -> float:
    return x * x / (2 * beta) if abs(x) < beta else abs(x) - beta / 2


def naive_distance(student: Tensor, teacher: Tensor, by: str, beta: float = 1.0) -> Tensor:
    rows = list(zip(student.tolist(), teacher.tolist(), strict=True))
    if by == 'cosine':
        values = [1 - cosine(s, t) for s, t in rows]
    else:
        values = [smooth(a - b, beta) for s, t in rows for a, b in zip(s, t, strict=True)]
    return torch.tensor(sum(values) / len(values), dtype=student.dtype)
