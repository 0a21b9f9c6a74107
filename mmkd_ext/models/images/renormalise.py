"""Conversion of images from one network's normalisation and channel order to another's. N samples, C channels."""

from collections.abc import Mapping, Sequence
from logging import WARNING
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.datasets.channel_order import OTHER, check_orders, converts


class Renormalise:
    """From images normalised for the student to those normalised for the teacher: one exact affine map per channel.

    Args:
        name: The teacher's, for messages.
        student: The student's preprocessor (`mean`, `std`, `to_rgb`).
        teacher: Config of the teacher's.
        student_order: Channel order of the student's images; None: 'rgb' if its preprocessor has `to_rgb`.
        teacher_order: Of the teacher's; None: the student's where both have `to_rgb` or neither, else 'rgb' if it has `to_rgb`, else
            the order in which the data is loaded.

    Attributes:
        order: 'rgb' or 'bgr', of what the teacher is given; None: not known.

    Raises:
        ValueError: The orders cannot be known, numbers of channels differ, or what is given as mean and std are no such numbers.
    """

    def __init__(
        self,
        name: str,
        student: nn.Module,
        teacher: Mapping[str, Any],
        student_order: str | None = None,
        teacher_order: str | None = None,
    ) -> None:
        check_orders(student_order, teacher_order)
        s_mean, s_std = (_values(f'student of {name}', key, getattr(student, key, None)) for key in ('mean', 'std'))
        t_mean, t_std = (_values(f'teacher {name}', key, teacher.get(key)) for key in ('mean', 'std'))
        given = {key: len(x) for key, x in dict(mean=s_mean, std=s_std).items() if x is not None}
        asked = {key: len(x) for key, x in dict(mean=t_mean, std=t_std).items() if x is not None}
        if len({*given.values(), *asked.values()} - {1}) > 1:
            raise ValueError(
                f'The student and the teacher {name} need mean and std of as many channels as the images have, or one for all, got '
                f'{given} and {asked} of them. Look at both data_preprocessors.')
        s_mean, s_std, t_mean, t_std = torch.broadcast_tensors(
            *(x if x is not None else torch.full((1,), v) for x, v in
              ((s_mean, 0.0), (s_std, 1.0), (t_mean, 0.0), (t_std, 1.0)))
        )  # fmt: skip
        s_rgb, t_rgb = converts(student), converts(teacher)
        s_mean, s_std, t_mean, t_std = (x.double() for x in (s_mean, s_std, t_mean, t_std))
        self.flip = len(s_mean) in (1, 3) and _orders_differ(name, s_rgb, t_rgb, student_order, teacher_order)
        if self.flip:
            s_mean, s_std = s_mean.flip(0), s_std.flip(0)
        student_order = student_order or ('rgb' if s_rgb else None)
        self.order = OTHER[student_order] if self.flip and student_order else student_order
        self.scale = (s_std / t_std).float()[:, None, None]
        self.shift = ((s_mean - t_mean) / t_std).float()[:, None, None]
        # of the same images with the channels turned round: x -> (flipped(std x + mean) - mean) / std
        self._swap = (t_std.flip(0) / t_std).float()[:, None, None], ((t_mean.flip(0) - t_mean) / t_std).float()[:, None, None]
        # in float32: the student's are buffers, the teacher's the config's numbers
        self.needed = not (torch.equal(s_mean.float(), t_mean.float()) and torch.equal(s_std.float(), t_std.float()))
        if self.flip:
            print_log(f'Teacher {name}: it is given the channels in the other order than the student.', 'current')

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the same images as the teacher's own preprocessor makes them."""
        if self.flip and inputs.shape[1] == 3:
            inputs = inputs.flip(1)
        if not self.needed:
            return inputs
        if self.scale.device != inputs.device:
            self.scale, self.shift = self.scale.to(inputs.device), self.shift.to(inputs.device)
        return torch.addcmul(self.shift.to(inputs.dtype), inputs, self.scale.to(inputs.dtype))

    def swapped(self, inputs: Tensor) -> Tensor:
        """Return the teacher's images (N, 3, H, W) as it would see them with the channels in the other order."""
        scale, shift = (x.to(inputs) for x in self._swap)
        return torch.addcmul(shift, inputs.flip(1), scale)


def without_padding(images: Tensor, samples: Sequence[Any] | None) -> Tensor:
    """Set what was padded to zero, in place; the `img_shape` of the samples tells where; None: nothing was."""
    for image, sample in zip(images, samples or (), strict=bool(samples)):
        height, width = sample.img_shape[:2]
        image[:, height:] = 0
        image[:, :, width:] = 0
    return images


def _values(who: str, key: str, x: Sequence[float] | Tensor | None) -> Tensor | None:
    if x is None:
        return None
    try:
        values = torch.as_tensor(x, dtype=torch.float64).flatten()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f'The {who} needs numbers as {key} of its data_preprocessor, got {x!r}.') from error
    if not len(values) or not values.isfinite().all() or key == 'std' and (values <= 0).any():
        raise ValueError(f'The {who} needs finite numbers as {key} of its data_preprocessor, a std above 0, got {values.tolist()}.')
    return values


def _orders_differ(name: str, s_rgb: bool, t_rgb: bool, student: str | None, teacher: str | None) -> bool:
    if teacher is None and s_rgb == t_rgb:
        return False  # both do the same to what was loaded
    student = student or ('rgb' if s_rgb else None)
    teacher = teacher or ('rgb' if t_rgb else None)
    if student is not None:
        # `to_rgb` flips what was loaded; a teacher without it saw what the loader gives
        return student != (teacher or OTHER[student])
    if name.startswith('cifar/'):  # mmpretrain's launcher does not tell the distiller what its data set loads
        print_log(
            f'The images are taken to be RGB, as mmpretrain loads CIFAR and as the teacher {name} takes them: where they come as BGR, '
            "from image files, set the distiller's channel_order='bgr'.",
            'current',
            WARNING,
        )
        return False
    raise ValueError(
        f'The channel order of the images is needed: the teacher {name} takes {teacher}, and the '
        "student's data_preprocessor has to_rgb=False, which data in RGB and in BGR may have. Set the distiller's "
        "channel_order='rgb' (CIFAR, digits and other images held in memory) or 'bgr' (files)."
    )
