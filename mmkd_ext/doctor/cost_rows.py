"""What a run will cost: memory, time of a step, and time to its end."""

import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.benchmark.steps import compare_steps
from mmkd_ext.optim.cpu_amp import CPUAmpOptimWrapper

from .patient import Patient
from .rows import LOOK, OK, WRONG, Row


def cost_rows(patient: Patient) -> list[Row]:
    """Memory, then time."""
    data = patient.prepared(patient.batches[0], True)
    half = isinstance(patient.wrapper, CPUAmpOptimWrapper) or type(patient.wrapper).__name__ == 'AmpOptimWrapper'
    (timing,) = compare_steps(
        {'step': patient.model}, data['inputs'], data['data_samples'], ['bfloat16' if half else 'float32'], 1, torch.get_num_threads())
    return [_memory(patient, timing.peak_mb), _time(patient, timing.median)]


def _memory(patient: Patient, step: float) -> Row:
    trained = _bytes(each for each in patient.model.parameters() if each.requires_grad)
    frozen = _bytes(each for teacher in patient.teachers.values() for each in teacher.network.parameters())
    kept = ((2 + _states(patient.wrapper.optimizer)) * trained + frozen) / 1e6  # weights, gradients, the optimizer's; teachers
    device = next(patient.model.parameters()).device
    free = _free_mb(device)
    figures = {'step_mb': step, 'kept_mb': kept, 'free_mb': free}
    text = (
        f'about {step + kept:.0f} MB on {device.type}: {step:.0f} for a step of {patient.size} images, {kept:.0f} for weights, gradients '
        'and optimizer')
    if free is not None and step > free:
        half = max(1, patient.size // 2)
        return Row(WRONG, 'memory', f'{text}; {free:.0f} MB are free: try train_dataloader.batch_size={half}.', figures)
    return Row(OK, 'memory', f'{text}.', figures)


def _bytes(parameters: Iterable[Tensor]) -> int:
    return sum(each.numel() * each.element_size() for each in parameters)


def _states(optimizer: Any) -> int:
    """Numbers that an optimizer keeps for each parameter: none or the momentum of SGD, two moments of the others."""
    return int(bool(optimizer.defaults.get('momentum'))) if isinstance(optimizer, torch.optim.SGD) else 2


def _free_mb(device: torch.device) -> float | None:
    if device.type == 'cuda':
        return torch.cuda.mem_get_info(device)[0] / 1e6
    try:
        lines = dict(line.split(':', 1) for line in Path('/proc/meminfo').read_text().splitlines())
        return int(lines['MemAvailable'].split()[0]) / 1e3
    except (OSError, KeyError, ValueError):
        return None  # another system


def _time(patient: Patient, step: float) -> Row:
    runner: Any = patient.runner
    loop, per_epoch = runner.train_loop, len(runner.train_dataloader)
    iterations = int(runner.max_iters)
    load = patient.load_seconds
    each = step + load if not patient.workers else max(step, load / patient.workers)
    checks, check = _checks(loop, per_epoch, iterations), _check_seconds(patient)
    total = iterations * each + checks * check
    validation = f', {checks} validations of {duration(check)}' if checks and check else ''
    figures = {'step_seconds': step, 'load_seconds': load, 'iterations': iterations, 'validations': checks, 'total_seconds': total}
    text = (
        f'{1000 * step:.0f} ms a step and {1000 * load:.0f} ms to load its images in one process; {iterations} steps{validation}: about '
        f'{duration(total)} to the end')
    slow = patient.workers and load / patient.workers > 1.5 * step
    if slow:
        return Row(LOOK, 'time', f'{text}: {patient.workers} workers load more slowly than it trains, raise num_workers.', figures)
    return Row(OK, 'time', f'{text}.', figures)


def _checks(loop: Any, per_epoch: int, iterations: int) -> int:
    interval = getattr(loop, 'val_interval', 0) or 0
    by_epoch = hasattr(loop, 'max_epochs') and not type(loop).__name__.startswith('Iter')
    rounds = iterations / max(per_epoch, 1) if by_epoch else iterations
    return math.ceil(rounds / interval) if interval else 0


@torch.no_grad()
def _check_seconds(patient: Patient) -> float:
    """Of a whole validation, by its first batch."""
    loader = getattr(patient.runner.val_loop, 'dataloader', None)
    if loader is None:
        return 0.0
    start = time.perf_counter()
    batch = next(iter(loader))
    patient.model.eval().val_step(batch)
    return (time.perf_counter() - start) * len(loader)


def duration(seconds: float) -> str:
    """In words.

    Example:
        >>> duration(42.0), duration(600.0), duration(36000.0)
        ('42 s', '10 min', '10.0 h')
    """
    if seconds < 10:
        return f'{seconds:.1f} s'
    if seconds < 100:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 6000 else f'{seconds / 3600:.1f} h'
