"""The look at an example by which a distiller sizes its losses; images of a size that a network does not take are said there. N images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.explain.sentences import one_line
from mmkd_ext.models.images.image_shape import Size
from mmkd_ext.models.outputs.kinds.base import Kind
from mmkd_ext.models.outputs.outputs import Outputs

_TEACHERS_SIZE = "the teacher's input_size, or its options (img_size or, for timm, dynamic_img_size=True)"


def first_look(reader: Kind, images: Tensor, places: Any, who: str, where: str) -> Outputs:
    """What a network that trains says of an example.

    Args:
        reader: The network, read as its kind.
        images: (N, C, H, W).
        places: Of samples, see `Kind.answer`.
        who: The network, for messages.
        where: What sets the size of the images, for messages.

    Raises:
        ValueError: It does not take images of that size.
    """
    return _said(lambda: reader.answer(reader.look(images), places), who, (images.shape[2], images.shape[3]), where)


def teachers_first_look(teacher: Any, images: Tensor, places: Any) -> Outputs:
    """The same of a frozen teacher, which takes images of its own size where it has one."""
    size = teacher.input_size or (images.shape[2], images.shape[3])
    return _said(lambda: teacher(images, places=places, once=True), f'The teacher {teacher.name}', size, _TEACHERS_SIZE)


def _said(look: Callable[[], Outputs], who: str, size: Size, where: str) -> Outputs:
    try:
        return look()
    except torch.OutOfMemoryError:
        raise
    except (AssertionError, RuntimeError) as error:
        got = f'{size[0]} x {size[1]}' if isinstance(size, tuple) else f'{size} x {size}'
        raise ValueError(f'{who} needs images of a size that it takes, got {got} pixels: {one_line(error)}. Look at {where}.') from error
