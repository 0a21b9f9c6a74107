"""What a host network computes before anything is decided, as one tensor that can be compared."""

from typing import Any

import torch
from torch import Tensor

from .feature_maps import tensors_in


def detects(model: Any) -> bool:
    """Whether it is a two-stage detector, of mmdet."""
    return hasattr(model, 'roi_head')


@torch.no_grad()
def raw_predictions(model: Any, images: Tensor) -> Tensor:
    """Logits (N, K) of a classifier; of a detector the scores and deltas of all its proposals, in one row.

    Args:
        model: In eval mode; a distiller predicts as its student.
        images: (N, 3, H, W), normalised.
    """
    if not detects(getattr(model, 'student', model)):
        return model(images, mode='tensor')
    from mmdet.structures import DetDataSample

    shape = tuple(images.shape[-2:])
    meta = dict(img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape, scale_factor=(1.0, 1.0))
    said = model(images, [DetDataSample(metainfo=meta) for _ in images], mode='tensor')
    return torch.cat([x.flatten() for x in tensors_in(said)])[None]
