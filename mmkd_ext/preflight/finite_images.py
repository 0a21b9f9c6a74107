"""Images of a batch that hold NaN or Inf once a pipeline and a preprocessor have made them. N images."""

from collections.abc import Sequence
from typing import Any

from mmkd_ext.models.outputs.feature_maps import tensors_in


def images_without_numbers(inputs: Any, samples: Sequence[Any] | None) -> list[str]:
    """Names of the images that are not finite: their files, or their places in the batch.

    Args:
        inputs: (N, C, H, W), or several such views.
        samples: N data samples, whose `img_path` is the file.

    Example:
        >>> import torch
        >>> images_without_numbers(torch.tensor([[[[1.0]]], [[[torch.inf]]]]), None)
        ['image 1']
    """
    bad = sorted({
        n for view in tensors_in(inputs) if view.ndim > 1 and view.is_floating_point()
        for n in (~view.flatten(1).isfinite().all(dim=1)).nonzero().flatten().tolist()})  # fmt: skip
    paths = [getattr(sample, 'img_path', None) for sample in samples or ()]
    return [str(paths[n]) if n < len(paths) and paths[n] else f'image {n}' for n in bad]
