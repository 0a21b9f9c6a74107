"""Masks of a two-stage detector before they are cut at a threshold. M boxes, in images of H x W pixels."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from mmengine.config import ConfigDict
from torch import Tensor

from mmkd_ext.models.outputs.forward_hooks import shadowed_by_name

_PASTED = '_predict_by_feat_single'  # of mmdet's FCNMaskHead and its subclasses: the masks of an image's boxes


@contextmanager
def soft_masks(part: Any) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Watch one prediction: for each image with boxes its masks (M, H, W), and 255 times the probabilities that they were cut from.

    Args:
        part: The detector's part for RoIs; without a mask head of mmdet's usual form nothing is seen.
    """
    seen: list[tuple[Tensor, Tensor]] = []
    with ExitStack() as stack:
        for head in (part.mask_head.modules() if getattr(part, 'with_mask', False) else ()):
            if hasattr(head, _PASTED):
                stack.enter_context(shadowed_by_name(head, _PASTED, _reader(head, seen)))
        yield seen


def _reader(head: Any, seen: list[tuple[Tensor, Tensor]]) -> Any:
    def read(given: dict[str, Any], masks: Tensor) -> None:
        meta = given['img_meta']
        if given.get('rescale'):  # which has changed the boxes themselves
            meta = {**meta, 'scale_factor': (1.0, 1.0)}
        soft = ConfigDict({**given['rcnn_test_cfg'], 'mask_thr_binary': -1})  # mmdet's word for it
        seen.append((masks, getattr(type(head), _PASTED)(head, **{**given, 'img_meta': meta, 'rcnn_test_cfg': soft})))

    return read
