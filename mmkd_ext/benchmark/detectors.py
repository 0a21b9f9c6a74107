"""Detectors for the benchmark: random annotations, and a teacher alone at the RoIs that a student samples. N images, R RoIs."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmkd_ext.models.outputs.two_stage_outputs import box_heads, recording_rois

_BOXES = 8  # of an image


class DetectorAlone(nn.Module):
    """A teacher's bare backbone, FPN and box heads at RoIs of the student's own sampling: no gradient, and no loss.

    The RoIs are sampled once for each shape of images, in the first call, which is not to be counted.

    Args:
        teacher: A `FrozenDetector`.
        student: The detector that samples.
    """

    def __init__(self, teacher: Any, student: nn.Module) -> None:
        super().__init__()
        self.teacher, self.student = [teacher], [student]  # in lists, so that train() does not reach them
        self._rois: dict[torch.Size, list[Tensor]] = {}

    @torch.no_grad()
    def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
        """Run the network."""
        network, heads = self.teacher[0].network.to(images.device), self.teacher[0].heads
        if images.shape not in self._rois:
            student: Any = self.student[0]
            with recording_rois(student, box_heads(student, 'student')) as record:
                student.loss(images, samples)
            self._rois[images.shape] = record.rois
        maps = [x.float() for x in network.extract_feat(images)]  # of an autocast, which RoIAlign does not know on a CPU
        for i, rois in enumerate(self._rois[images.shape]):
            heads[min(i, len(heads) - 1)](maps, rois)
        return {}


def samples_with_boxes(model: Any, images: Tensor) -> list[Any]:
    """Annotations of images (N, 3, H, W): boxes of many sizes with all labels in turn, and masks where the detector has any.

    Args:
        model: A two-stage detector.
        images: Whose shape and device count.
    """
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    height, width = images.shape[-2:]
    size = torch.tensor([width, height, width, height])
    rng = torch.Generator().manual_seed(0)
    samples = []
    for i in range(len(images)):
        sides = 0.05 + 0.5 * torch.rand(_BOXES, 2, generator=rng)
        corners = torch.rand(_BOXES, 2, generator=rng) * (1 - sides)
        labels = torch.arange(i * _BOXES, (i + 1) * _BOXES) % box_heads(model, 'student')[0].head.num_classes
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
