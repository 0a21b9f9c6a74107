"""Box heads of a two-stage detector, and the recording of their RoIs while it trains. R RoIs, K classes, D embedding width."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmkd_ext.models.outputs.forward_hooks import shadowed_by_name
from mmkd_ext.models.outputs.outputs import Outputs

REGIONS = 'roi_head'  # where mmdet keeps what a two-stage detector does at its RoIs, in a config and in a network
_USE = "'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', or one of mask_rcnn or cascade_rcnn with an FPN"


class BoxHead(NamedTuple):
    """One place of a detector where RoIs become embeddings and class scores."""

    extractor: Any
    head: Any

    def __call__(self, maps: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embedding (R, D), class scores (R, K + 1) and box deltas at RoIs (R, 5) of the maps."""
        with ExitStack() as stack:
            embeddings = _entering(self.head.fc_cls, stack)
            scores, deltas = self.head(self.extractor(maps[: self.extractor.num_inputs], rois))
        return embeddings[-1], scores, deltas


def box_heads(detector: Any, who: str) -> list[BoxHead]:
    """The box heads of a detector, in the order in which they run: one, or a cascade.

    Raises:
        ValueError: Not a two-stage detector with an FPN and box heads that end in FCs.
    """
    from mmdet.models import ConvFCBBoxHead

    regions = getattr(detector, REGIONS, None)
    heads: Any
    extractors: Any
    heads, extractors = (getattr(regions, name, None) for name in ('bbox_head', 'bbox_roi_extractor'))
    if not isinstance(heads, nn.ModuleList):
        heads, extractors = [heads], [extractors]
    lacking = (
        f'no {REGIONS}' if regions is None
        else 'no neck' if not getattr(detector, 'with_neck', False)
        else f'a {type(heads[0]).__name__}' if not all(isinstance(head, ConvFCBBoxHead) for head in heads)
        else 'scores that are no softmax (SeesawLoss)' if any(getattr(head, 'custom_activation', False) for head in heads)
        else 'a box head without class scores' if not all(head.with_cls for head in heads)
        else None
    )  # fmt: skip
    if lacking:
        raise ValueError(
            f'TwoStageDistiller needs a two-stage detector with an FPN and box heads that end in FCs as {who}, got '
            f'{type(detector).__name__}, which has {lacking}. Use {_USE}.')
    return [BoxHead(extractor, head) for extractor, head in zip(extractors, heads, strict=True)]


class RoIRecording:
    """What was seen of one training pass; each list has an entry per box head that ran.

    Attributes:
        maps: (N, C, H, W) of the FPN, shallow first.
        rois: (R, 5) image and corners of the RoIs that the detector sampled.
        labels: (R,) their classes, K for the background.
        embeddings: (R, D), what entered the classifier.
        logits: (R, K + 1).
    """

    def __init__(self) -> None:
        self.maps: tuple[Tensor, ...] = ()
        self.rois: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.embeddings: list[Tensor] = []
        self.logits: list[Tensor] = []

    def outputs(self) -> Outputs:
        """The RoIs of all heads, one head after the other."""
        return Outputs(self.maps, torch.cat(self.embeddings), torch.cat(self.logits))


@contextmanager
def recording_rois(detector: Any, heads: Sequence[BoxHead]) -> Iterator[RoIRecording]:
    """Watch one call of a detector's `loss`; nothing stays on it.

    The RoIs are those of the head's own loss: other passes through the head (a sampler that looks for hard ones) are not seen.
    """
    record = RoIRecording()
    with ExitStack() as stack:
        stack.callback(detector.neck.register_forward_hook(lambda _, __, out: _keep_maps(record, out)).remove)
        for _, head in heads:
            entered = _entering(head.fc_cls, stack)

            def read(kwargs: dict[str, Any], out: dict[str, Any], entered: list[Tensor] = entered) -> None:
                record.rois.append(kwargs['rois'].detach())
                record.logits.append(kwargs['cls_score'])
                record.labels.append(out['bbox_targets'][0])
                record.embeddings.append(entered[-1])

            stack.enter_context(shadowed_by_name(head, 'loss_and_target', read))
        yield record


def _keep_maps(record: RoIRecording, out: Sequence[Tensor]) -> None:
    record.maps = tuple(out)


def _entering(module: nn.Module, stack: ExitStack) -> list[Tensor]:
    """The inputs of a module from now on."""
    seen: list[Tensor] = []
    stack.callback(module.register_forward_pre_hook(lambda _, args: seen.append(args[0])).remove)
    return seen
