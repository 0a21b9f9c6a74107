"""Outputs, which losses compare: stages, embedding and logits of a network for a batch. N samples, K classes, D embedding width."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .feature_maps import Grid, as_map, shows, tensors_in
from .scores import SOFTMAX
from .tower import Tower


class Outputs(NamedTuple):
    """Stages, embedding and logits of a network for a batch; a loss compares the student's with the teacher's.

    Attributes:
        stages: Maps (N, C_i, H_i, W_i), shallow first, never growing; empty where a network has none.
        embedding: (N, D), what enters the classifier.
        logits: (N, K), raw.
        token_logits: (N, K), what a distillation token alone says (DeiT); None for the others.
        scores: What the network makes of its logits: 'sigmoid', 'values', or None for one softmax.
        edges: (N, 4, B), where a loss asks for it: raw logits over the B places at which each edge of a box may lie.
        tower: Where a loss asks for it, the end of a dense head's classification.
        logit_map: (N, K, h, w) of a segmentor, its raw logits as a map; None for the others.

    In detection N counts images for `stages` (the FPN's maps), and for `embedding`, `logits` and `edges` the samples of the kind of
    detector: RoIs of the box head, the positive positions of a dense head, or the true boxes that queries are matched to. In segmentation
    the samples are the labelled pixels.

    Example:
        >>> import torch
        >>> outputs = Outputs(stages=(), embedding=torch.zeros(8, 64), logits=torch.zeros(8, 10))
        >>> outputs.logits.shape
        torch.Size([8, 10])
    """

    stages: tuple[Tensor, ...]
    embedding: Tensor
    logits: Tensor
    token_logits: Tensor | None = None
    scores: str | None = None
    edges: Tensor | None = None
    tower: Tower | None = None
    logit_map: Tensor | None = None

    def at(self, samples: Tensor) -> 'Outputs':
        """The embedding and the logits of some samples only, (N,) of which tells which; the rest as it is."""
        return self._replace(embedding=self.embedding[samples], logits=self.logits[samples])


def detached(said: Outputs) -> Outputs:
    """The same outputs without gradient, for a network that follows them.

    Example:
        >>> import torch
        >>> outputs = Outputs((), torch.zeros(8, 64), torch.zeros(8, 10, requires_grad=True))
        >>> detached(outputs).logits.requires_grad
        False
    """
    tokens, edges, logit_map = (None if x is None else x.detach() for x in (said.token_logits, said.edges, said.logit_map))
    return Outputs(
        tuple(x.detach() for x in said.stages), said.embedding.detach(), said.logits.detach(), tokens, said.scores, edges,
        None if said.tower is None else said.tower.detached(), logit_map)


class Recording:
    """What was seen of one forward pass; `outputs()` once it has ended.

    Attributes:
        images: Shape of the network's input, once it has begun.
        stages: The maps that mmpretrain, timm or torchvision itself calls stages.
        inner: By height and width, the last map that was seen inside; they are the stages where the network names none.
        embeddings: What entered each classifier, as it came.
        logits: One entry for each pass.
        token_logits: Those of a distillation token.
        scores: What the network makes of its logits.
    """

    def __init__(self, name: str, scores: str = SOFTMAX) -> None:
        self.name, self.scores = name, scores
        self.images: torch.Size | None = None
        self.stages: list[Tensor] = []
        self.inner: dict[Grid, Tensor] = {}
        self.embeddings: list[Tensor] = []
        self.logits: list[Tensor] = []
        self.token_logits: list[Tensor] = []

    def see_stages(self, out: Any, width: int | None = None, prefix_tokens: int | None = None) -> bool:
        """Take the maps out of one named stage, or several, and tell whether there were any."""
        maps = [] if self.images is None else [as_map(x, self.images, width, prefix_tokens) for x in tensors_in(out)]
        self.stages.extend(x for x in maps if x is not None)
        return any(x is not None for x in maps)

    def see_inner(self, out: Any, prefix_tokens: int | None = None) -> None:
        """Take the maps out of what some module inside returned; one cell or one channel is a vector that was pooled."""
        if self.images is not None:
            for x in tensors_in(out):
                found = as_map(x, self.images, None, prefix_tokens)
                if found is not None and shows(found, self.images):
                    self.inner[found.shape[2], found.shape[3]] = found

    def outputs(self) -> Outputs:
        """The pass as `Outputs`.

        Raises:
            RuntimeError: Not exactly one forward pass was seen.
            ValueError: The network's embedding or logits are not (N, D) and (N, K).
        """
        if len(self.logits) != 1:
            raise RuntimeError(
                f'Exactly one forward pass of {self.name} is needed inside `recording`, got {len(self.logits)}.'
            )
        embeddings = [_vector(x) for x in self.embeddings]
        (logits,) = self.logits
        if not embeddings or any(not isinstance(x, Tensor) or x.ndim != 2 for x in (*embeddings, logits)):
            raise ValueError(
                f'{self.name} needs an embedding (N, D) and logits (N, K), got '
                f'{[tuple(x.shape) for x in embeddings]} and {tuple(getattr(logits, "shape", ())) or type(logits)}. '
                'Is it a classifier, with a linear layer before its logits?'
            )
        stages = sorted(self.stages or self.inner.values(), key=lambda x: -x.shape[2] * x.shape[3])
        tokens = self.token_logits[0] if self.token_logits else None
        return Outputs(tuple(stages), _joined(embeddings), logits, tokens, None if self.scores == SOFTMAX else self.scores)

    def forget(self) -> None:
        """Make ready for another pass."""
        for seen in (self.stages, self.inner, self.embeddings, self.logits, self.token_logits):
            seen.clear()


def _vector(x: Tensor) -> Tensor:
    """(N, D) of what a classifier takes; a map that enters a convolution is averaged over its places."""
    if x.ndim != 4:
        return x
    return x.flatten(1) if x.shape[2:].numel() == 1 else x.mean(dim=(2, 3))


def _joined(embeddings: Sequence[Tensor]) -> Tensor:
    """One embedding: the mean of tokens of one width (DeiT), side by side where the widths differ (Conformer)."""
    if len({x.shape for x in embeddings}) > 1:
        return torch.cat(list(embeddings), dim=1)
    return embeddings[0] if len(embeddings) == 1 else torch.stack(list(embeddings)).mean(dim=0)
