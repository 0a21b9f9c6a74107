"""What a network says about a batch. N samples, K classes, D embedding width."""

from typing import NamedTuple

from torch import Tensor


class Outputs(NamedTuple):
    """What a network says about a batch; a loss compares the student's with the teacher's.

    Attributes:
        stages: Maps (N, C_i, H_i, W_i), shallow first; empty where a network has none.
        embedding: (N, D), what enters the classifier.
        logits: (N, K), raw.

    In two-stage detection N counts RoIs for `embedding` (the box head's) and `logits`, and images for `stages` (the
    FPN's maps).
    """

    stages: tuple[Tensor, ...]
    embedding: Tensor
    logits: Tensor
