"""Time and memory of training steps, measured in turn in one run. N images, K classes."""

import copy
import ctypes
import gc
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmkd_ext.engine.progress import as_at_the_start
from mmkd_ext.models.outputs.kinds.known import kind_of
from mmkd_ext.optim.cpu_amp import cpu_autocast


@dataclass
class Timing:
    """Seconds per step of one network at one precision, and what its step needs beyond the network itself."""

    name: str
    precision: str
    seconds: list[float] = field(default_factory=list)
    peak_mb: float = float('nan')

    @property
    def median(self) -> float:
        """Median seconds per step."""
        return statistics.median(self.seconds)


def compare_steps(
    models: dict[str, nn.Module],
    images: Tensor,
    targets: Tensor | list,
    precisions: list[str],
    rounds: int,
    threads: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Timing]:
    """Time forward and backward of several networks in turn, round by round, so that a drifting machine hits all alike.

    Args:
        models: Models of mmpretrain or mmdet by name, each called as `model(images, samples, mode='loss')`.
        images: (N, 3, H, W), normalised.
        targets: (N,) labels, or the images' samples.
        precisions: 'float32' and 'bfloat16' (autocast).
        rounds: Counted rounds, after one that is not.
        threads: CPU threads.
        clock: Of seconds; `time.process_time` does not count what other processes do.

    Returns:
        One timing per network and precision, in the order of `models`.
    """
    for model in models.values():
        model.train()
    timings = [Timing(name, precision) for precision in precisions for name in models]
    with _threads(threads), as_at_the_start():
        for i in range(rounds + 1):
            for timing in timings:
                seconds = _step(models[timing.name], images, targets, timing.precision, clock)
                if i:
                    timing.seconds.append(seconds)
        for timing in timings:
            timing.peak_mb = _peak(models[timing.name], images, targets, timing.precision)
    return timings


def compare_calls(calls: Mapping[str, Callable[[], object]], rounds: int, threads: int) -> list[Timing]:
    """Time calls in turn, round by round, after one round that does not count; short ones as often as fit into 50 ms."""
    timings = [Timing(name, 'float32') for name in calls]
    repeats = dict.fromkeys(calls, 1)
    with _threads(threads):
        for i in range(rounds + 1):
            for timing in timings:
                start = time.perf_counter()
                for _ in range(repeats[timing.name]):
                    calls[timing.name]()
                seconds = (time.perf_counter() - start) / repeats[timing.name]
                if i:
                    timing.seconds.append(seconds)
                else:
                    repeats[timing.name] = max(1, int(0.05 / seconds))
    return timings


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def deployed_size(model: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Parameters that the prediction of one image depends on, and multiply-adds that are computed for it.

    Args:
        model: A model of mmpretrain or mmdet.
        shape: Channels, height and width of the image.

    Returns:
        Parameters, and multiply-adds of convolutions and matrix products, whether their results are used or not.
    """
    kind = kind_of(model)
    model = copy.deepcopy(model).eval().requires_grad_(not kind.boxes)  # the counter takes no weight as an input that has no graph
    parameters = list(model.parameters())
    with FlopCounterMode(display=False) as counter:
        if kind.boxes:
            kind.raw_predictions(model, torch.randn(1, *shape))
        else:
            output = model(torch.randn(1, *shape))
    if kind.boxes:  # proposals pass no gradient on, and all of a plain detector takes part
        return sum(p.numel() for p in getattr(model, 'student', model).parameters()), counter.get_total_flops() // 2
    # By the gradients, since a module's weights can be used without the module being called.
    gradients = torch.autograd.grad(output.sum(), parameters, allow_unused=True)
    used = [p for p, gradient in zip(parameters, gradients, strict=True) if gradient is not None]
    return sum(p.numel() for p in used), counter.get_total_flops() // 2


def _step(
    model: nn.Module,
    images: Tensor,
    targets: Tensor | list,
    precision: str,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    from mmpretrain.structures import DataSample

    if isinstance(targets, Tensor):
        samples = [DataSample().set_gt_label(int(target)).to(images.device) for target in targets]
    else:
        samples = copy.deepcopy(targets)
    _wait(images)
    start = clock()
    with _precision(model, images, precision):
        losses = model(images, samples, mode='loss')
        terms = [value for key, value in losses.items() if 'loss' in key]
        total = sum(x for term in terms for x in (term if isinstance(term, list) else [term]))
    if isinstance(total, Tensor):  # a teacher alone has nothing to minimise
        total.backward()
    _wait(images)
    seconds = clock() - start
    model.zero_grad(set_to_none=True)
    return seconds


def _precision(model: nn.Module, images: Tensor, precision: str) -> AbstractContextManager:
    if precision == 'bfloat16' and not images.is_cuda:
        return cpu_autocast(model)
    return torch.autocast(images.device.type, torch.bfloat16, enabled=precision == 'bfloat16')


def _wait(images: Tensor) -> None:
    if images.is_cuda:
        torch.cuda.synchronize()


def _peak(model: nn.Module, images: Tensor, targets: Tensor | list, precision: str) -> float:
    """Megabytes that a step needs at its peak beyond what was there before."""
    if images.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _step(model, images, targets, precision)
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    _give_back()
    resident = _resident_mb()
    peak = resident
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, _resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _step(model, images, targets, precision)
    finally:  # or the watcher would keep the process alive
        done.set()
        watcher.join()
    return peak - resident


def _give_back() -> None:
    """Let the system have what this process has freed, which it would otherwise use again unseen."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)  # glibc's
    if trim is not None:
        trim(0)


def _resident_mb() -> float:
    """Resident memory of this process."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
