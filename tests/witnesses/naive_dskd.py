"""DSKD's terms and weights of layers, and their gradients, in Python's own numbers. N samples, K classes, C channels."""

from math import exp, log

import torch
from torch import Tensor


def softmax(row: list[float], tau: float = 1.0) -> list[float]:
    powers = [exp(z / tau) for z in row]
    return [p / sum(powers) for p in powers]


def naive_kl(student: Tensor, teacher: Tensor, tau: float) -> tuple[float, Tensor]:
    """tau^2 / N sum KL(q || p), and its gradient tau / N (p - q)."""
    value, gradient = 0.0, []
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = softmax(s, tau), softmax(t, tau)
        value += tau**2 / len(student) * sum(b * (log(b) - log(a)) for a, b in zip(p, q, strict=True))
        gradient.append([tau / len(student) * (a - b) for a, b in zip(p, q, strict=True)])
    return value, torch.tensor(gradient, dtype=torch.float64)


def windows(size: int, pooled: int) -> list[range]:
    """Rows of each window of an average to fewer rows: from floor(i H / p) up to ceil((i + 1) H / p)."""
    return [range(i * size // pooled, -(-(i + 1) * size // pooled)) for i in range(pooled)]


def naive_distance(student: Tensor, teacher: Tensor) -> tuple[float, Tensor]:
    """Mean squared difference after the larger one is averaged, and its gradient."""
    (n, c, h, w), (_, _, th, tw) = student.shape, teacher.shape
    places = [
        ((ys, xs), (tys, txs))
        for ys, tys in zip(windows(h, min(h, th)), windows(th, min(h, th)), strict=True)
        for xs, txs in zip(windows(w, min(w, tw)), windows(tw, min(w, tw)), strict=True)]
    value, gradient, number = 0.0, torch.zeros(n, c, h, w, dtype=torch.float64), n * c * len(places)
    for i in range(n):
        for k in range(c):
            s, t = student[i, k].tolist(), teacher[i, k].tolist()
            for (ys, xs), (tys, txs) in places:
                mean = sum(s[y][x] for y in ys for x in xs) / (len(ys) * len(xs))
                goal = sum(t[y][x] for y in tys for x in txs) / (len(tys) * len(txs))
                value += (mean - goal) ** 2 / number
                for y in ys:
                    for x in xs:
                        gradient[i, k, y, x] += 2 * (mean - goal) / number / (len(ys) * len(xs))
    return value, gradient


def naive_weights(losses: list[float], strategy: str) -> list[float]:
    if strategy == 'proportional':
        return [x / sum(losses) for x in losses]
    return softmax([{'softmax': x, 'inverse_softmax': -x, 'uniform': 0.0}[strategy] for x in losses])
