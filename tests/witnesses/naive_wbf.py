"""Weighted box fusion as its paper tells it, in Python's own numbers: a witness for the ensemble of detectors.

Solovyev et al. 2019, arXiv:1910.13302. Boxes are (x1, y1, x2, y2), in any unit; M models.
"""

from collections.abc import Sequence

Box = Sequence[float]
Found = tuple[float, int, list[float]]  # score, label, box


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def fused(cluster: Sequence[tuple[float, Box]]) -> list[float]:
    """The mean of a cluster's boxes, each counted by its score."""
    total = sum(score for score, _ in cluster)
    return [sum(score * box[side] for score, box in cluster) / total for side in range(4)]


def clusters_of(
    boxes: Sequence[Sequence[Box]], scores: Sequence[Sequence[float]], labels: Sequence[Sequence[int]], threshold: float = 0.55
) -> list[list[int]]:
    """Which boxes of all models, counted one model after the other, become one; in the order of `weighted_box_fusion`."""
    flat = [(score, label, box) for model in zip(boxes, scores, labels, strict=True) for box, score, label in zip(*model, strict=True)]
    clusters: list[list[int]] = []
    for i in sorted(range(len(flat)), key=lambda i: -flat[i][0]):
        same = [c for c in clusters if flat[c[0]][1] == flat[i][1]]
        overlaps = [iou(fused([(flat[j][0], flat[j][2]) for j in c]), flat[i][2]) for c in same]
        if overlaps and max(overlaps) > threshold:
            same[overlaps.index(max(overlaps))].append(i)
        else:
            clusters.append([i])
    return sorted(clusters, key=lambda c: -sum(flat[i][0] for i in c) / len(c) * min(len(c), len(boxes)) / len(boxes))


def joined_mask(masks: Sequence[Sequence[Sequence[int]]], threshold: float) -> list[list[bool]]:
    """Where the mean of soft masks, each 255 times a probability, reaches the threshold."""
    return [[sum(pixels) / 255 / len(pixels) >= threshold for pixels in zip(*rows, strict=True)] for rows in zip(*masks, strict=True)]


def weighted_box_fusion(
    boxes: Sequence[Sequence[Box]],
    scores: Sequence[Sequence[float]],
    labels: Sequence[Sequence[int]],
    weights: Sequence[float] | None = None,
    threshold: float = 0.55,
) -> list[Found]:
    """Fuse what M models found, highest score first.

    Args:
        boxes: For each model, its boxes.
        scores: For each model, a score > 0 of each box.
        labels: For each model, the class of each box; classes are fused apart.
        weights: How much each model counts; None counts all as 1.
        threshold: A box joins the cluster that it overlaps most, if by more than this IoU with the cluster's fused box.

    Returns:
        A box for each cluster. Its score is the mean of its boxes' scores times min(T, M) / M, with T boxes in it: what few
        models see counts less.
    """
    weights = [1.0] * len(boxes) if weights is None else weights
    found = [
        (score * weight, label, box)
        for model, weight in zip(zip(boxes, scores, labels, strict=True), weights, strict=True)
        for box, score, label in zip(*model, strict=True)]
    result: list[Found] = []
    for label in sorted({label for _, label, _ in found}):
        clusters: list[list[tuple[float, Box]]] = []
        for score, _, box in sorted((f for f in found if f[1] == label), key=lambda f: -f[0]):
            overlaps = [iou(fused(cluster), box) for cluster in clusters]
            if overlaps and max(overlaps) > threshold:
                clusters[overlaps.index(max(overlaps))].append((score, box))
            else:
                clusters.append([(score, box)])
        for cluster in clusters:
            mean = sum(score for score, _ in cluster) / len(cluster)
            result.append((mean * min(len(cluster), len(boxes)) / sum(weights), label, fused(cluster)))
    return sorted(result, key=lambda f: -f[0])
