"""How long a journey takes and what memory a step needs, from a few steps on random images."""

import copy
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmengine.registry import MODELS, DefaultScope

from mmkd_ext.benchmark.steps import compare_steps
from mmkd_ext.errors import PreflightError
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.plain_config import without_weights
from mmkd_ext.models.uninitialised import made_finite

from .boxes_file import Scenes
from .image_folder import Images
from .networks import Network
from .settings import Settings
from .step_configs import Step


class Cost(NamedTuple):
    """Of a training step: seconds, and megabytes beyond the network itself; and of a forward pass alone."""

    seconds: float
    megabytes: float
    forward: float


def cost_of(network: Network, side: int, settings: Settings, classes: int, amp: bool = False, rounds: int = 2) -> Cost:
    """Measure forward, backward and a forward pass alone.

    Raises:
        PreflightError: The memory does not suffice; a smaller batch is proposed.
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    rng = torch.Generator().manual_seed(0)
    try:
        kind = kind_of_config(network.model)
        with DefaultScope.overwrite_default_scope(kind.scope):
            model: Any = made_finite(MODELS.build(without_weights(network.model))).to(device)
        images = torch.randn(settings.batch_size, 3, side, side, generator=rng).to(device)
        labels: Any = torch.randint(classes, (settings.batch_size,), generator=rng)
        if kind.boxes:
            labels = kind(model, network.name).example_samples(images, classes)
        (timing,) = compare_steps(
            {network.name: model}, images, labels, ['bfloat16' if amp else 'float32'], rounds, torch.get_num_threads())
        with torch.no_grad():
            start = time.perf_counter()
            model.eval()(images, copy.deepcopy(labels) if kind.boxes else None)
            if images.is_cuda:
                torch.cuda.synchronize()
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        smaller = max(1, settings.batch_size // 2)
        raise PreflightError(
            f'Memory for batches of {settings.batch_size} images of {side} pixels is needed by {network.name}, got an error on {device}: '
            f'try --batch-size {smaller}.') from error
    return Cost(timing.median, timing.peak_mb, time.perf_counter() - start)


def plan_lines(
    steps: Sequence[Step], images: Images | Scenes, settings: Settings, student: Cost, teacher: Cost
) -> list[str]:
    """A line for each step with its time, then the sum and the memory."""
    per_epoch = math.ceil(len(images.train) / settings.batch_size)
    checks = math.ceil(len(images.val) / settings.batch_size) * math.ceil(settings.epochs / max(1, settings.epochs // 20))
    lines, total = [], 0.0
    for step in steps:
        own = teacher if step.kind == 'teacher' else student
        each = own.seconds + (teacher.forward if step.kind == 'distil' else 0.0)
        seconds = settings.epochs * per_epoch * each + checks * own.forward
        total += seconds
        lines.append(f'{step.name:<14} {settings.epochs} epochs x {per_epoch} steps x {1000 * each:.0f} ms   {_duration(seconds)}')
    lines.append(f'{"test, export":<14} {len(steps)} tests of {len(images.val)} images')
    most = max(student.megabytes, teacher.megabytes if any(step.kind == 'teacher' for step in steps) else 0.0)
    lines.append(f'about {_duration(total)} in all, without the time to load images; a step needs about {most:.0f} MB beside the weights')
    return lines


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 6000 else f'{seconds / 3600:.1f} h'
