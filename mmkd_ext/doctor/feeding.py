"""Ways of feeding a frozen teacher with the student's images: its own, and those that a mistaken config would hide. N images."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.models.images.renormalise import without_padding
from mmkd_ext.models.outputs.outputs import Outputs

OWN = 'as it is fed'
_KNOWN = {  # mean and std of 0..255, red first
    'as ImageNet is normalised': ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    'from -1 to 1': ((127.5,) * 3, (127.5,) * 3),
    'from 0 to 1': ((0.0,) * 3, (255.0,) * 3),
}


@torch.no_grad()
def ways(
    teacher: Any, inputs: Tensor, preprocessor: nn.Module, samples: Sequence[Any] | None = None, places: Any = None
) -> Iterator[tuple[str, Outputs]]:
    """Name and `Outputs` of each way that shows the teacher other numbers than its own, which comes first.

    Args:
        teacher: A `FrozenTeacher` with classes.
        inputs: (N, C, H, W), as the student's preprocessor made them.
        preprocessor: That one.
        samples: Of a detector, whose images are padded.
        places: Likewise, what it is asked about.
    """

    def said(images: Tensor) -> Outputs:
        return teacher(without_padding(images.clone(), samples), samples, places, once=True)

    yield OWN, teacher(inputs, samples, places, once=True)
    if inputs.shape[1] != 3:
        return
    view = teacher.view
    own = _seen(inputs, view)
    if not torch.equal(inputs, inputs.flip(1)):
        yield 'with the other channel order', teacher(inputs, samples, places, once=True, swapped=True)
    if not torch.allclose(own, inputs, rtol=1e-4, atol=1e-4):
        yield "as the student's are", said(_given(inputs, view))
    mean, std = (_column(getattr(preprocessor, key, None), value, inputs) for key, value in (('mean', 0.0), ('std', 1.0)))
    pixels = inputs * std + mean
    if len(view) > 1 and view[1]:
        pixels = pixels.flip(1)
    for name, numbers in _KNOWN.items():
        other_mean, other_std = (_column(torch.tensor(each if teacher.order != 'bgr' else each[::-1]), 0.0, inputs) for each in numbers)
        images = (pixels - other_mean) / other_std
        if not torch.allclose(own, images, rtol=1e-2, atol=1e-2):
            yield name, said(_given(images, view))


def _seen(inputs: Tensor, view: tuple[Any, ...]) -> Tensor:
    """What the teacher sees, before its size."""
    if len(view) == 1:
        return inputs
    _, flip, scale, shift = view
    return (inputs.flip(1) if flip else inputs) * _column(torch.tensor(scale), 1.0, inputs) + _column(torch.tensor(shift), 0.0, inputs)


def _given(images: Tensor, view: tuple[Any, ...]) -> Tensor:
    """What the teacher has to be given to see these images."""
    if len(view) == 1:
        return images
    _, flip, scale, shift = view
    inputs = (images - _column(torch.tensor(shift), 0.0, images)) / _column(torch.tensor(scale), 1.0, images)
    return inputs.flip(1) if flip else inputs


def _column(values: Tensor | None, default: float, like: Tensor) -> Tensor:
    """(C, 1, 1)."""
    return torch.full((1, 1, 1), default).to(like) if values is None else values.flatten()[:, None, None].to(like)
