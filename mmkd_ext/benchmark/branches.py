"""A student with the branches that its losses add (DSKD's classifiers, ReviewKD's fusion), for the benchmark. N images."""

from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.models import Outputs, recording


class StudentWithBranches(nn.Module):
    """A distiller's student with the branches of those losses that have any, as one model to time.

    A step has the student's own loss and a mean of everything that the branches give, so that the gradient goes
    through all of them; the teachers are asked once for each shape of images, for the sizes of their maps.

    Args:
        distiller: An `OfflineDistiller`.
    """

    def __init__(self, distiller: Any) -> None:
        super().__init__()
        self.student = distiller.student
        self.distill = nn.ModuleDict({name: x for name, x in distiller.distill.items() if x.has_branches})
        teachers = {name: distiller.teachers[distiller.teacher_name_of(name)] for name in self.distill}
        self._ask = lambda images: {name: _shapes_of(teacher(images)) for name, teacher in teachers.items()}
        self._said: dict[torch.Size, dict[str, Outputs]] = {}

    def forward(self, images: Tensor, samples: list | None = None, mode: str = 'tensor') -> Any:
        """Run the student; `mode='loss'` adds the branches."""
        if mode != 'loss':
            return self.student(images, samples, mode=mode)
        if images.shape not in self._said:
            self._said[images.shape] = self._ask(images)
        with recording(self.student) as record:
            terms = self.student.loss(images, samples)
        heads: Any = self.distill
        for name, loss in heads.items():
            logits, maps = loss.supervised(record.outputs(), self._said[images.shape][name])
            terms[f'loss_{name}'] = torch.stack([x.float().mean() for x in (*logits, *maps)]).sum()
        return terms


def _shapes_of(outputs: Outputs) -> Outputs:
    """The same outputs as tensors without memory."""
    stages = tuple(x.to('meta') for x in outputs.stages)
    return Outputs(stages, outputs.embedding.to('meta'), outputs.logits.to('meta'))
