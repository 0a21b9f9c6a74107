"""ND by its formula, in Python's own numbers; labels (N,) or soft labels (N, K). N samples, K classes, D channels."""

from math import sqrt

import torch
from torch import Tensor


def naive_nd(student: Tensor, teacher: Tensor, target: Tensor, means: Tensor) -> Tensor:
    total = 0.0
    for s, t, y in zip(student.tolist(), teacher.tolist(), target.tolist(), strict=True):
        mix = y if isinstance(y, list) else [float(k == y) for k in range(len(means))]
        c = [sum(m * x for m, x in zip(mix, column, strict=True)) for column in means.T.tolist()]
        dot = sum(a * b for a, b in zip(s, c, strict=True)) / sqrt(sum(b * b for b in c))
        total += 1 - dot / sqrt(max(sum(a * a for a in s), sum(a * a for a in t)))
    return torch.tensor(total / len(student), dtype=student.dtype)
