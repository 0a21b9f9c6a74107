"""Boxes of detectors: checks of annotations, random boxes for a benchmark. N images, M boxes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

_BOXES = 8  # of an image


def check_boxes(num_classes: int, preprocessor: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse what a detector would learn from without a word: boxes without area, labels that are no class.

    It is to be bound to a number of classes and hooked before a preprocessor, where the samples are still on the CPU: a look at
    them costs no synchronisation.

    Raises:
        ValueError: Such a box in training data, with its image.
    """
    data, training, *_ = (*args, *kwargs.values(), False)
    if not training:
        return
    samples = data['data_samples']
    boxes = torch.cat([getattr(x.gt_instances.bboxes, 'tensor', x.gt_instances.bboxes) for x in samples])
    labels = torch.cat([x.gt_instances.labels for x in samples])
    flat = ((boxes[:, 2:] - boxes[:, :2]) <= 0).any(dim=1)
    bad = (flat | (labels < 0) | (labels >= num_classes)).nonzero().flatten().tolist()
    if bad:
        places = [x.get('img_path', 'an image') for x in samples for _ in range(len(x.gt_instances.labels))]
        raise ValueError(
            f'Boxes of positive width and height with labels 0..{num_classes - 1} are needed, got '
            f'{[round(x, 2) for x in boxes[bad[0]].tolist()]} with label {int(labels[bad[0]])} in {places[bad[0]]}. Look at the '
            "annotations, the data set's metainfo (classes) and num_classes of the student; FilterAnnotations drops small boxes.")


def samples_with_boxes(model: Any, images: Tensor, classes: int) -> list[Any]:
    """Annotations of images (N, 3, H, W): boxes of many sizes with all labels in turn, and masks where the detector has any.

    Args:
        model: A detector.
        images: Whose shape and device count.
        classes: K.
    """
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    height, width = images.shape[-2:]
    size = torch.tensor([width, height, width, height])
    rng = torch.Generator().manual_seed(0)
    samples = []
    for i in range(len(images)):
        sides = 0.05 + 0.5 * torch.rand(_BOXES, 2, generator=rng)
        corners = torch.rand(_BOXES, 2, generator=rng) * (1 - sides)
        labels = torch.arange(i * _BOXES, (i + 1) * _BOXES) % classes
        instances = InstanceData(bboxes=torch.cat([corners, corners + sides], dim=1) * size, labels=labels)
        if model.with_mask:
            instances.masks = BitmapMasks(np.ones((_BOXES, height, width), dtype=np.uint8), height, width)
        shape = (height, width)
        sample = DetDataSample(gt_instances=instances, metainfo=dict(
            img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape, scale_factor=(1.0, 1.0), img_id=i,
            img_path=f'{i}.png'))  # fmt: skip
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
        samples.append(sample.to(images.device))
    return samples
