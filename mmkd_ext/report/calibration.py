"""Whether probabilities are frequencies: reliability by bins of confidence and the expected calibration error. N images, K classes."""

from typing import NamedTuple

import numpy as np


class Reliability(NamedTuple):
    """Bins of confidence, the largest probability of an image.

    Attributes:
        counts: (bins,) images.
        confidence: (bins,) their mean confidence; NaN where there is none.
        accuracy: (bins,) the share of them that is right; NaN likewise.
        ece: Expected calibration error in 0..1: the mean over images of the gap between the two in its bin.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    ece: float


def reliability(scores: np.ndarray, labels: np.ndarray, bins: int = 15) -> Reliability:
    """Sort images into bins of equal width, closed above.

    Args:
        scores: (N, K) probabilities.
        labels: (N,).
        bins: Their number.

    Raises:
        ValueError: No image, not as many labels, or scores that are no probabilities.

    Source: Guo et al. 2017, arXiv:1706.04599, sec. 2.

    Example:
        >>> reliability(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([0, 0])).ece
        0.25
    """
    if scores.ndim != 2 or len(scores) != len(labels) or not len(labels):
        raise ValueError(f'reliability needs scores (N, K) and labels (N,) of one image or more, got {scores.shape} and {labels.shape}.')
    sure = scores.max(axis=1)
    if not (np.isfinite(sure).all() and sure.min() >= 0 and sure.max() <= 1 + 1e-4):
        raise ValueError(f'reliability needs probabilities of 0 to 1, got {sure.min():.3g} to {sure.max():.3g}.')
    right = scores.argmax(axis=1) == labels
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.where(counts, counts, np.nan)
    confidence, accuracy = (np.bincount(place, weights=each, minlength=bins) / filled for each in (sure, right))
    return Reliability(counts, confidence, accuracy, float(np.nansum(counts * abs(confidence - accuracy)) / len(labels)))
