"""What no tool can do without: the convolutions and matrix products of a pair, each by itself. N images."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pairs import Pair


def convolutions_alone(pair: Pair, folder: str, batch_size: int, half: bool) -> Iterator[float]:
    """Every layer with weights by itself, forward, and for the student backward too, in the faster of two memory orders.

    No normalisation, activation, loss, optimizer, loading or change of the memory order is in it, so its images per second are what
    a tool with the convolutions of this torch comes near at best.

    Yields:
        Nothing that was learned: 0 for each step.
    """
    images = torch.randn(batch_size, 3, pair.size, pair.size)
    teacher, student = pair.networks()
    layers = [(layer, shape, False) for layer, shape in _called(teacher, images)]
    layers += [(layer, shape, True) for layer, shape in _called(student, images)]
    calls = [min((_call(*layer, half, order) for order in (False, True)), key=_seconds) for layer in layers]
    while True:
        for call in calls:
            call()
        yield 0.0


def _called(network: nn.Module, images: Tensor) -> list[tuple[nn.Module, torch.Size]]:
    """Layers with weights and the shapes of their inputs, in the order of their calls."""
    found: list[tuple[nn.Module, torch.Size]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda module, args, _: found.append((module, args[0].shape)))
    with torch.no_grad():
        network.eval()(images)
    return found


def _call(layer: nn.Module, shape: torch.Size, trains: bool, half: bool, channels_last: bool) -> Callable[[], None]:
    """One layer's work."""
    def tensor(like: Tensor) -> Tensor:
        form = torch.channels_last if channels_last and like.ndim == 4 else torch.contiguous_format
        return like.to(torch.bfloat16 if half else torch.float32).contiguous(memory_format=form)

    weight: Tensor = layer.weight  # type: ignore[assignment]
    inputs, weight = tensor(torch.randn(shape)), tensor(weight.detach())
    needs = [each.requires_grad_() for each in (weight, inputs) if trains and (each is weight or shape[1] != 3)]  # none of images
    conv: Callable[..., Tensor] = F.linear
    if isinstance(layer, nn.Conv2d):
        conv = partial(F.conv2d, stride=layer.stride, padding=layer.padding)  # type: ignore[arg-type]
    gradient = tensor(torch.randn_like(conv(inputs, weight)))

    def call() -> None:
        outputs = conv(inputs, weight)
        if needs:
            torch.autograd.grad(outputs, needs, gradient)

    return call


def _seconds(call: Callable[[], None]) -> float:
    seconds = []
    for _ in range(4):
        begin = time.process_time()
        call()
        seconds.append(time.process_time() - begin)
    return median(seconds[1:])
