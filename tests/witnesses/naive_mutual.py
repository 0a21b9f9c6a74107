"""KD and mutual learning by the papers' formulas, in Python's own numbers: a witness for the tests.

N samples, K classes; logits are N rows of K numbers, and students a list of such tables.
"""

from collections.abc import Callable, Sequence
from math import exp, log

Row = Sequence[float]
Table = Sequence[Row]


def softmax(row: Row, tau: float = 1.0) -> list[float]:
    """Probabilities of one sample at a temperature; the logits must be of a size that `exp` can take."""
    powers = [exp(z / tau) for z in row]
    return [power / sum(powers) for power in powers]


def kl(target: Row, prediction: Row) -> float:
    """KL(target || prediction) of two distributions, in nats."""
    return sum(t * log(t / p) for t, p in zip(target, prediction, strict=True))


def teacher_term(student: Table, teacher: Table, tau: float) -> float:
    """What a student pays for not saying what the teacher says: tau^2 KL(teacher || student), mean over samples."""
    pairs = zip(teacher, student, strict=True)
    return sum(tau**2 * kl(softmax(t, tau), softmax(s, tau)) for t, s in pairs) / len(student)


def peer_term(students: Sequence[Table], k: int, tau: float) -> float:
    """The same with each of the other students in the teacher's place, mean over these."""
    peers = [peer for j, peer in enumerate(students) if j != k]
    return sum(teacher_term(students[k], peer, tau) for peer in peers) / len(peers)


def ensemble(students: Sequence[Table]) -> list[list[float]]:
    """N rows of K probabilities: the mean of the students' own."""
    of_samples = zip(*students, strict=True)
    return [[sum(column) / len(students) for column in zip(*map(softmax, rows), strict=True)] for rows in of_samples]


def gradient(f: Callable[[list[list[float]]], float], at: Table, h: float = 1e-3) -> list[list[float]]:
    """Slopes of a function of a table, from its values on both sides; wrong by h^4 / 30 times its fifth derivative."""

    def moved(n: int, c: int, by: float) -> float:
        table = [list(row) for row in at]
        table[n][c] += by
        return f(table)

    def slope(n: int, c: int) -> float:
        near, far = (moved(n, c, step) - moved(n, c, -step) for step in (h, 2 * h))
        return (8 * near - far) / (12 * h)

    return [[slope(n, c) for c in range(len(row))] for n, row in enumerate(at)]
