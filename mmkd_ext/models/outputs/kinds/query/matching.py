"""Queries of a detector and the true boxes that they are matched to. N images, S matched boxes, Q queries, C class scores, D width."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmkd_ext.models.outputs.forward_hooks import shadowed, shadowed_by_name

_MOST = 1e4  # of a score that is not finite


class Places(NamedTuple):
    """True boxes that another network has matched, for each image.

    Attributes:
        truth: `InstanceData` with boxes in pixels and labels.
        metas: Of the images.
    """

    truth: list[Any]
    metas: list[dict[str, Any]]


class Features(NamedTuple):
    """What a network says of images.

    Attributes:
        maps: (N, D_i, H_i, W_i), what enters the encoder.
        hidden: (N, Q, D), the last decoder layer's output for each query; those for denoising are left out.
        scores: (N, Q, C), raw.
        boxes: (N, Q, 4), middles and sides in shares of the image.
    """

    maps: tuple[Tensor, ...]
    hidden: Tensor
    scores: Tensor
    boxes: Tensor

    def at(self, queries: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Embedding (S, D) and logits (S, C) of the queries of each image, image after image."""
        image = torch.cat([torch.full_like(each, n) for n, each in enumerate(queries)])
        chosen = image, torch.cat(list(queries))
        return self.hidden[chosen], self.scores[chosen]


class DecoderPass:
    """What was seen of one pass.

    Attributes:
        maps: See `Features`.
        hidden: What entered the head, (layers, N, Q, D).
        said: What the head gave: class scores and boxes of all layers.
        matched: Arguments by name of each call of the assigner, and what it gave.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.maps: list[Tensor] = []
        self.hidden: list[Tensor] = []
        self.said: list[tuple[Tensor, Tensor]] = []
        self.matched: list[tuple[dict[str, Any], Any]] = []

    def features(self) -> Features:
        """Of the last layer and, where it has trained, of the queries that were matched: those for denoising come before them.

        Raises:
            ValueError: The head does not give scores and boxes of all queries for each layer.
        """
        fits = len(self.said) == len(self.hidden) == 1 and all(
            x.ndim == 4 and x.shape[:3] == self.hidden[0].shape[:3] for x in self.said[0])
        if not fits:
            raise _unread(self.name)
        queries = len(self.matched[0][1].gt_inds) if self.matched else self.hidden[0].shape[2]
        return Features(tuple(self.maps), *(x[-1][:, -queries:] for x in (self.hidden[0], *self.said[0])))

    def queries_of_boxes(self, features: Features) -> tuple[list[Tensor], list[Tensor]]:
        """For each image, the matched boxes in their order, and the query of each.

        Raises:
            ValueError: The assigner was not asked about the last layer.
        """
        calls = {_place(given['pred_instances'].scores): found.gt_inds for given, found in self.matched}
        inds = [calls.get(_place(each)) for each in features.scores]
        found = [by_box(each) for each in inds if each is not None]
        if len(found) < len(inds):
            raise _unread(self.name)
        return [boxes for boxes, _ in found], [queries for _, queries in found]


def by_box(gt_inds: Tensor) -> tuple[Tensor, Tensor]:
    """Of an assigner's result (Q,) the matched boxes (S,), in their order, and their queries (S,).

    Example:
        >>> by_box(torch.tensor([0, 2, 0, 1]))
        (tensor([0, 1]), tensor([3, 1]))
    """
    queries = (gt_inds > 0).nonzero().flatten()
    boxes, order = (gt_inds[queries] - 1).sort()
    return boxes, queries[order]


@contextmanager
def watching_decoder(network: Any) -> Iterator[DecoderPass]:
    """Watch one call of a network, or of its `loss`; nothing stays on it."""
    head = network.bbox_head
    seen = DecoderPass(f'a {type(head).__name__}')

    def read(given: dict[str, Any], out: tuple[Tensor, Tensor]) -> None:
        seen.hidden.append(given['hidden_states'])
        seen.said.append(out)

    with ExitStack() as stack:
        stack.enter_context(shadowed(network, 'extract_feat', seen.maps.extend))
        stack.enter_context(shadowed_by_name(head, 'forward', read))  # mmdet calls it without the hooks of a module
        stack.enter_context(shadowed_by_name(head.assigner, 'assign', lambda given, out: seen.matched.append((given, out))))
        yield seen


@contextmanager
def told_where_not_finite(who: str) -> Iterator[None]:
    """Say in a sentence that queries cannot be matched whose scores or boxes are NaN or infinite.

    Raises:
        FloatingPointError: There are such.
    """
    try:
        yield
    except ValueError as error:
        if 'invalid numeric entries' not in str(error):  # of scipy's linear_sum_assignment
            raise
        raise FloatingPointError(
            f'Queries are matched to boxes by finite scores and boxes, got NaN or Inf of the {who}. Look at the learning rate, at '
            'optim_wrapper.clip_grad and at the precision.') from error


@torch.no_grad()
def own_queries(head: Any, features: Features, places: Places) -> list[Tensor]:
    """For each image, the query of every box, by a head's own assigner.

    Of more boxes than queries, those that are left over are matched once more, among all queries.

    Raises:
        ValueError: The assigner matches nothing.
    """
    # the sizes of adapters are asked before a network has its first weights; what is not finite is told by the losses
    scores, shares = features.scores.float().nan_to_num(0.0, _MOST, -_MOST), features.boxes.float().nan_to_num(0.0)
    found = []
    for n, (truth, meta) in enumerate(zip(places.truth, places.metas, strict=True)):
        queries = scores.new_zeros(len(truth), dtype=torch.long)
        left = torch.arange(len(truth), device=queries.device)
        while len(left):
            calls: list[Any] = []
            with shadowed(head.assigner, 'assign', calls.append):
                head._get_targets_single(scores[n], shares[n], truth[left], meta)
            boxes, chosen = by_box(calls[0].gt_inds)
            if not len(boxes):
                raise _unread(f'a {type(head).__name__}')
            queries[left[boxes]] = chosen
            left = left[torch.isin(torch.arange(len(left), device=left.device), boxes, invert=True)]
        found.append(queries)
    return found


def _place(scores: Tensor) -> tuple[int, torch.Size]:
    """Where the scores of an image lie in memory: the assigner is asked about views of what the head gave."""
    return scores.data_ptr(), scores.shape


def _unread(name: str) -> ValueError:
    return ValueError(
        'Distillation of query detectors needs a head that gives scores and boxes of each decoder layer and matches those of the last one '
        f'by its assigner, got {name}.')
