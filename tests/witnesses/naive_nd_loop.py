"""The ND loss sample by sample, a witness for tools/benchmark_losses.py. N samples, K classes, D channels.

As the released code is described: a loop in Python, class means kept as numbers of Python, one copy from CPU to GPU for each sample.
"""

import torch
from torch import Tensor

_rows: dict[int, tuple[Tensor, list]] = {}  # read once, as from a file; with the tensor, lest its number is used again


def nd_loss(student: Tensor, teacher: Tensor, target: Tensor, means: Tensor) -> Tensor:
    """The mean over samples of 1 - <s, e> / max(|s|, |t|), e the direction of the class mean."""
    if id(means) not in _rows:
        _rows[id(means)] = means, means.tolist()
    rows = _rows[id(means)][1]
    total = student.new_zeros(())
    for s, t, y in zip(student, teacher, target, strict=True):
        mean = torch.tensor(rows[int(y)], dtype=s.dtype, device=s.device)
        longer = torch.maximum(s.norm(), t.norm())
        total = total + 1 - torch.dot(s, mean / mean.norm()) / longer
    return total / len(student)
