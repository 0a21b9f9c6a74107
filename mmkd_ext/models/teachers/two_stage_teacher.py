"""A frozen two-stage detector that is asked about somebody else's RoIs. N images, R RoIs."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.models.images.renormalise import without_padding
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.two_stage_outputs import BoxHead, box_heads

from .frozen_teacher import FrozenTeacher


class FrozenDetector(FrozenTeacher):
    """A detector as `FrozenTeacher` keeps a classifier: in eval mode, without gradients, in nobody's parameters.

    Args:
        spec: See `zoo.spec.read_spec`, and `precision` of `FrozenTeacher`.
        student_preprocessor: What normalised and padded the images that it will be given.
        channel_order: Of these images; None: as the preprocessors tell, where mmdet loads 'bgr'.

    Raises:
        ValueError: As `FrozenTeacher`; not a two-stage detector; `compile`, which is for classifiers.
    """

    def __init__(
        self,
        spec: str | Mapping[str, Any],
        student_preprocessor: nn.Module | None = None,
        channel_order: str | None = None,
    ) -> None:
        if isinstance(spec, Mapping) and spec.get('compile'):
            raise ValueError('A teacher that detects runs without torch.compile, got compile=True: leave it out.')
        converts = getattr(student_preprocessor, '_channel_conversion', False)
        super().__init__(spec, student_preprocessor, channel_order or ('rgb' if converts else 'bgr'))
        self.heads: list[BoxHead] = box_heads(self.network, f'teacher {self.name}')

    @torch.no_grad()
    def __call__(  # type: ignore[override]
        self, inputs: Tensor, samples: Sequence[Any] | None, rois: Sequence[Tensor]
    ) -> Outputs:
        """What it says about images (N, 3, H, W) of the student and about RoIs (R, 5) in them.

        Args:
            inputs: The images, as the student's preprocessor normalised and padded them.
            samples: Their `img_shape` tells what is padding; None: nothing is.
            rois: One tensor per box head of the student. The teacher answers with the head of the same place, or, where it has
                fewer, with its last one.

        Returns:
            Maps of the FPN, and embeddings and class scores of all RoIs, one head after the other.
        """
        maps = self.maps(inputs, samples)
        said = [self.at(maps, each, i) for i, each in enumerate(rois)]
        return Outputs(maps, torch.cat([x[0] for x in said]), torch.cat([x[1] for x in said]))

    @torch.no_grad()
    def maps(self, inputs: Tensor, samples: Sequence[Any] | None) -> tuple[Tensor, ...]:
        """The FPN's maps of the student's images."""
        inputs = self.as_its_own(inputs, samples)
        with self._autocast(inputs.device.type):
            maps = self.network.extract_feat(inputs)  # type: ignore[operator]
        # RoIAlign knows no bfloat16 on CPUs, and takes every map for contiguous
        as_they_are = self.precision is None and inputs.device.type != 'cpu'  # a training run may be in autocast itself
        return tuple(maps if as_they_are else (x.float().contiguous() for x in maps))

    @torch.no_grad()
    def at(self, maps: Sequence[Tensor], rois: Tensor, head: int) -> tuple[Tensor, Tensor, Tensor]:
        """Embedding, class scores and box deltas at RoIs (R, 5), by the head of that place or the last one."""
        with self._autocast(maps[0].device.type):
            return self.heads[min(head, len(self.heads) - 1)](maps, rois)

    @torch.no_grad()
    def predict(self, inputs: Tensor, samples: list[Any]) -> list[Any]:
        """Its own detections, in the samples as mmdet's `predict` leaves them."""
        inputs = self.as_its_own(inputs, samples)
        with self._autocast(inputs.device.type):
            return self.network.predict(inputs, samples, rescale=True)  # type: ignore[operator]

    def as_its_own(self, inputs: Tensor, samples: Sequence[Any] | None) -> Tensor:
        """The student's images as the teacher's own preprocessor makes them; what was padded has the teacher's value again."""
        weight = next(self.network.parameters())
        if weight.device != inputs.device:
            self.network.to(inputs.device)
        if self.network.training:
            self.network.eval()
        inputs = inputs.to(weight.dtype)
        own = inputs if self._renormalise is None else self._renormalise(inputs)
        if own is inputs:
            return inputs
        return without_padding(own, samples)
