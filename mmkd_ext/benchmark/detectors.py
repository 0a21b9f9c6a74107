"""DetectorAlone, for the benchmark: a teacher detector's forward pass at the student's regions or positions."""

from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.models.outputs.kinds.known import kind_of


class DetectorAlone(nn.Module):
    """A teacher's bare network at the places of the student's own samples: no gradient, and no loss.

    The places are sampled once for each shape of images, in the first call, which is not to be counted.

    Args:
        teacher: A `FrozenTeacher`.
        student: The detector that samples.
    """

    def __init__(self, teacher: Any, student: nn.Module) -> None:
        super().__init__()
        self.teacher, self.student = [teacher], [student]  # in lists, so that train() does not reach them
        self._rois: dict[torch.Size, Any] = {}

    @torch.no_grad()
    def forward(self, images: Tensor, samples: list, mode: str) -> dict[str, Tensor]:
        """Run the network."""
        self.teacher[0].network.to(images.device)
        reader: Any = self.teacher[0].reader
        if images.shape not in self._rois:
            student = kind_of(self.student[0])(self.student[0], 'student')
            self._rois[images.shape] = student.train(images, samples, None).places
        reader.answer(reader.look(images, samples, keep=False), self._rois[images.shape])
        return {}
