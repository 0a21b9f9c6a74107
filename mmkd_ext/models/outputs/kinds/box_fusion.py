"""Weighted box fusion (arXiv:1910.13302), which says beside the boxes which ones became one. M boxes, of all networks together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

_LEAST = 1e-6  # a score of 0 would divide by zero
_FULL = 255.0  # of a soft mask of bytes


def clusters(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, iou_threshold: float) -> list[list[int]]:
    """Which boxes are one, as lists of their places.

    From the highest score down, a box joins the cluster of its class whose mean, weighted by the scores, it overlaps most, if by more than
    the threshold; else it begins one.

    Args:
        boxes: (M, 4) corners in pixels, of positive area.
        scores: (M,), positive.
        labels: (M,).
        iou_threshold: From 0 to 1.

    Example:
        >>> corners = np.array([[0.0, 0.0, 10.0, 10.0], [50.0, 0.0, 60.0, 10.0], [0.0, 0.0, 12.0, 10.0]])
        >>> clusters(corners, np.array([0.9, 0.8, 0.7]), np.array([1, 1, 1]), 0.55)
        [[0, 2], [1]]
    """
    found: list[list[int]] = []
    means, classes = np.empty((0, 4)), np.empty(0, dtype=labels.dtype)
    for i in np.argsort(-scores, kind='stable').tolist():
        overlaps = np.where(classes == labels[i], _overlaps(means, boxes[i]), -1.0)
        best = int(overlaps.argmax()) if len(overlaps) else -1
        if best >= 0 and overlaps[best] > iou_threshold:
            found[best].append(i)
            means[best] = np.average(boxes[found[best]], axis=0, weights=scores[found[best]])
        else:
            found.append([i])
            means, classes = np.vstack([means, boxes[i]]), np.append(classes, labels[i])
    return found


def fused(found: Sequence[Any], iou_threshold: float = 0.55, most: int | None = None, mask_threshold: float = 0.5) -> Any:
    """The boxes of several detectors in one image as those of one, with masks where all of them have any.

    A box is the mean of its cluster's, weighted by their scores; its score is the mean of theirs, less where not all detectors have found
    it; its mask is where the mean of their soft masks reaches a threshold.

    Args:
        found: `InstanceData` of each, with boxes (M, 4) in pixels, scores and labels; `masks` (M, H, W), true or false, or `soft_masks`
            of bytes beside them, 255 times a probability.
        iou_threshold: From which overlap on boxes of a class are one.
        most: How many boxes to keep, those of the highest scores; None: all.
        mask_threshold: As mmdet's `mask_thr_binary`: below 0 masks stay soft, as bytes.

    Example:
        >>> a = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 10.0, 10.0]]), scores=torch.tensor([0.5]), labels=torch.tensor([3]))
        >>> b = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 12.0, 10.0]]), scores=torch.tensor([0.5]), labels=torch.tensor([3]))
        >>> fused([a, b]).bboxes
        tensor([[ 0.,  0., 11., 10.]])
    """
    device = found[0].scores.device
    boxes, scores, labels = (
        np.concatenate([each[key].detach().cpu().double().numpy() for each in found]) for key in ('bboxes', 'scores', 'labels'))
    kept = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (scores >= _LEAST))
    members = [kept[each] for each in clusters(boxes[kept], scores[kept], labels[kept], iou_threshold)]
    seen = np.array([scores[each].mean() * min(len(each), len(found)) / len(found) for each in members])
    order = np.argsort(-seen, kind='stable')[:most]
    members = [members[i] for i in order]
    means = np.array([np.average(boxes[each], axis=0, weights=scores[each]) for each in members]).reshape(-1, 4)
    joined = InstanceData(
        bboxes=torch.from_numpy(means).float().to(device), scores=torch.from_numpy(seen[order]).float().to(device),
        labels=torch.tensor([int(labels[each[0]]) for each in members], dtype=torch.long, device=device))
    if all('masks' in each for each in found):
        joined.masks = _masks([mask for each in found for mask in each.get('soft_masks', each.masks)], members, mask_threshold, found[0])
    return joined


def _masks(given: Sequence[Tensor], members: Sequence[np.ndarray], threshold: float, first: Any) -> Tensor:
    """(M, H, W) of `members`, from all masks that were given."""
    soft = [torch.stack([_shares(given[i]) for i in each]).mean(dim=0) for each in members]
    if not soft:
        return first.masks[:0]
    if threshold < 0:
        return torch.stack([(each * _FULL).byte() for each in soft])
    return torch.stack([each >= threshold for each in soft])


def _shares(mask: Tensor) -> Tensor:
    """From 0 to 1."""
    return mask.float() if mask.dtype == torch.bool else mask.float() / _FULL


def _overlaps(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(M,) intersection over union."""
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    both = sides.clip(min=0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return both / (areas + (box[2:] - box[:2]).prod() - both)
