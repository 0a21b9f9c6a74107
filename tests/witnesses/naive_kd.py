"""KD by its formulas, in Python's own numbers: of one softmax, of one sigmoid for each class, of z-scores. N samples, K classes."""

from math import exp, log, sqrt

import torch
from torch import Tensor


def naive_kd(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = [exp(z / tau) for z in s], [exp(z / tau) for z in t]
        total += sum(b / sum(q) * log(b / sum(q) * sum(p) / a) for a, b in zip(p, q, strict=True))
    return torch.tensor(tau**2 * total / len(student), dtype=student.dtype)


def naive_binary_kd(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    total = 0.0
    for s, t in zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True):
        p, q = 1 / (1 + exp(-s / tau)), 1 / (1 + exp(-t / tau))
        total += q * log(q / p) + (1 - q) * log((1 - q) / (1 - p))
    return torch.tensor(tau**2 * total / len(student), dtype=student.dtype)


def naive_z_scores(logits: Tensor) -> Tensor:
    """Algorithm 1 of arXiv:2403.01427 without its temperature, in plain Python."""
    rows = []
    for row in logits.tolist():
        mean = sum(row) / len(row)
        deviation = sqrt(sum((z - mean) ** 2 for z in row) / len(row))
        rows.append([(z - mean) / deviation for z in row])
    return torch.tensor(rows, dtype=logits.dtype)
