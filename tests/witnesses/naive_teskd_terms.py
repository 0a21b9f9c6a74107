"""TESKD's terms by their formulas, in Python's own numbers. N samples, K classes, D channels."""

import math

from torch import Tensor


def plain_softmax(logits: list[float], tau: float) -> list[float]:
    exps = [math.exp(z / tau) for z in logits]
    return [e / sum(exps) for e in exps]


def plain_kl(student: Tensor, teacher: Tensor, tau: float) -> float:
    """The formula, with lists."""
    total = 0.0
    for z_student, z_teacher in zip(student.tolist(), teacher.tolist(), strict=True):
        for p, q in zip(plain_softmax(z_teacher, tau), plain_softmax(z_student, tau), strict=True):
            total += (p + 1e-7) * (math.log(p + 1e-7) - math.log(q))
    return tau**2 * total / len(student)


def plain_feature(student: Tensor, teacher: Tensor) -> float:
    return sum((a - b) ** 2 for a, b in zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True))


def plain_ce(logits: Tensor, scores: Tensor) -> float:
    rows = zip(logits.tolist(), scores.tolist(), strict=True)
    return -sum(y * math.log(p) for z, ys in rows for p, y in zip(plain_softmax(z, 1.0), ys, strict=True)) / len(logits)
