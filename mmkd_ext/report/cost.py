"""Size and speed of what is shipped: parameters, megabytes, and the seconds that one image takes on this machine."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.registry import DefaultScope
from torch import nn

from mmkd_ext.benchmark.peers.environment import machine
from mmkd_ext.models.build import input_shape
from mmkd_ext.models.outputs.kinds.known import kind_of
from mmkd_ext.models.plain_config import plain_config

_SECONDS, _FEWEST, _MOST = 0.5, 5, 100


class Cost(NamedTuple):
    """Of a network.

    Attributes:
        parameters: Their number.
        megabytes: Of its weights and buffers, 1e6 bytes.
        shape: Channels, height and width of the image; None where no time was measured.
        milliseconds: Median of one image's prediction; None likewise.
        spread: The 10th and the 90th percentile of these times.
    """

    parameters: int
    megabytes: float
    shape: tuple[int, int, int] | None = None
    milliseconds: float | None = None
    spread: tuple[float, float] | None = None


def size_of(network: nn.Module) -> Cost:
    """Parameters and megabytes, without a time.

    Example:
        >>> size_of(nn.Linear(3, 2))
        Cost(parameters=8, megabytes=3.2e-05, shape=None, milliseconds=None, spread=None)
    """
    held = sum(each.numel() * each.element_size() for each in network.state_dict().values() if isinstance(each, torch.Tensor))
    return Cost(sum(each.numel() for each in network.parameters()), held / 1e6)


def cost_of(network: nn.Module, cfg: Any, device: str) -> Cost:
    """Size and time; a detector's time is that of its whole prediction, with what chooses its boxes.

    Args:
        network: The deployed one, in eval mode.
        cfg: The config of the run, which tells the size of its images.
        device: Where.
    """
    plain = plain_config(cfg)
    shape = input_shape(plain)
    image = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    network = network.to(device)
    kind = kind_of(network)
    samples = kind(network, 'network').example_samples(image, 1) if kind.boxes else None
    mode = 'predict' if kind.boxes else 'tensor'

    def run() -> None:
        network(image, samples, mode=mode)
        if image.is_cuda:
            torch.cuda.synchronize()

    with torch.no_grad(), DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmpretrain'):
        return _timed(size_of(network), shape, run)


def onnx_cost(path: Path, shape: tuple[int, int, int]) -> Cost:
    """Of an exported graph: megabytes of the file, and its time in onnxruntime; parameters are not counted."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    (given,) = session.get_inputs()
    image = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).numpy()
    return _timed(Cost(0, path.stat().st_size / 1e6), shape, lambda: session.run(None, {given.name: image}))


def _timed(size: Cost, shape: tuple[int, int, int], run: Callable[[], Any]) -> Cost:
    for _ in range(2):
        run()
    times: list[float] = []
    while len(times) < _FEWEST or (sum(times) < _SECONDS and len(times) < _MOST):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    ordered = sorted(1000 * each for each in times)
    tenth = len(ordered) // 10
    return size._replace(shape=shape, milliseconds=statistics.median(ordered), spread=(ordered[tenth], ordered[-1 - tenth]))


def this_machine(device: str) -> str:
    """Processor, threads and versions in one line."""
    name = torch.cuda.get_device_name(device) if device != 'cpu' and torch.cuda.is_available() else machine()
    threads = torch.get_num_threads()
    return f'{name}, {threads} of {os.cpu_count()} threads, torch {torch.__version__}, Python {platform.python_version()}'
