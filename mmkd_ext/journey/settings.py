"""Settings by the size of the data and of the networks, each with its reason in one line."""

import math
from typing import NamedTuple

from .image_folder import Images
from .networks import Network

_SMALL = 96  # pixels: images below it are not enlarged to ImageNet's size


class Settings(NamedTuple):
    """What was not asked for is chosen.

    Attributes:
        epochs: Of every training.
        batch_size: Images of a step.
        student_side: Side in pixels of the images that the student trains with.
        teacher_side: Likewise of the teacher's fine-tuning.
        workers: Processes that load images.
        drop_last: Whether a last batch of one image, on which BatchNorm fails, is left out.
        reasons: A line for each.
    """

    epochs: int
    batch_size: int
    student_side: int
    teacher_side: int
    workers: int
    drop_last: bool
    reasons: tuple[str, ...]


def settings_for(
    images: Images, student: Network, teacher: Network, epochs: int | None = None, batch_size: int | None = None, cores: int = 1
) -> Settings:
    """Choose what is None."""
    count, reasons = len(images.train), []
    if batch_size is None:
        batch_size = 32 if count < 2_000 else 64 if count < 20_000 else 128
        while batch_size > 4 and batch_size > count // 4:
            batch_size //= 2
        reasons.append(f'batch size {batch_size}: {count} training images')
    else:
        reasons.append(f'batch size {batch_size}: asked for')
    batch_size = max(1, min(batch_size, count))
    steps = math.ceil(count / batch_size)
    if epochs is None:
        wanted, low, high = (3_000, 10, 50) if student.pretrained else (6_000, 20, 200)
        epochs = min(high, max(low, math.ceil(wanted / steps)))
        origin = "the student starts from a zoo's weights" if student.pretrained else 'the student starts from random weights'
        reasons.append(f'{epochs} epochs of {steps} steps: {origin}, for which about {wanted} steps are enough')
    else:
        reasons.append(f'{epochs} epochs of {steps} steps: asked for')
    sides = []
    for what, network in (('student', student), ('teacher', teacher)):
        small = images.side < min(_SMALL, network.side)
        side = network.fixed_side or (max(16, 8 * round(images.side / 8)) if small else network.side)
        why = 'the only size it takes' if network.fixed_side else f'the images have {images.side}' if small else 'what it was made for'
        reasons.append(f'{what}: images of {side} pixels, {why}; {optimizer_reason(network, batch_size)}')
        sides.append(side)
    workers = 0 if count < 500 else min(4, max(0, cores - 1))
    drop_last = count % batch_size == 1 and count > 1
    if drop_last:
        reasons.append('the last batch of an epoch would be one image, on which BatchNorm fails: it is left out')
    return Settings(epochs, batch_size, sides[0], sides[1], workers, drop_last, tuple(reasons))


def optimizer_of(network: Network, batch_size: int) -> dict:
    """The config's `optim_wrapper`; learning rates go with the batch size."""
    if not network.batch_norm:
        rate = (1e-4 if network.pretrained else 5e-4) * batch_size / 64
        return {'optimizer': {'type': 'AdamW', 'lr': rate, 'weight_decay': 0.05}, 'clip_grad': {'max_norm': 5.0}}
    rate = (0.01 if network.pretrained else 0.05) * batch_size / 32
    return {
        'optimizer': {'type': 'SGD', 'lr': rate, 'momentum': 0.9, 'weight_decay': 1e-4 if network.pretrained else 5e-4},
        'clip_grad': {'max_norm': 5.0}}


def optimizer_reason(network: Network, batch_size: int) -> str:
    """Its line."""
    optimizer = optimizer_of(network, batch_size)['optimizer']
    why = 'no BatchNorm, so as a transformer' if not network.batch_norm else 'fine-tuned' if network.pretrained else 'from random weights'
    return f'{optimizer["type"]} {optimizer["lr"]:.2g}, {why}'
