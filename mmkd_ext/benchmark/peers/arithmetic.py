"""What no tool can do without: the convolutions and matrix products of a pair, each by itself. N images."""

import time
from collections.abc import Iterator
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pairs import Pair


def arithmetic_seconds(pair: Pair, batch_size: int, half: bool, rounds: int = 3) -> float:
    """CPU seconds of a batch: every layer with weights forward, and for the student backward too, in the faster of two memory orders.

    No normalisation, activation, loss, optimizer, loading or change of the memory order is in it, so it is a floor for what a batch
    costs with the convolutions of this torch.

    Args:
        pair: Who teaches whom.
        batch_size: N.
        half: bfloat16 instead of float32.
        rounds: Counted rounds of each layer, after one that is not.
    """
    images = torch.randn(batch_size, 3, pair.size, pair.size)
    teacher, student = pair.networks()
    layers = [(layer, shape, False) for layer, shape in _called(teacher, images)]
    layers += [(layer, shape, True) for layer, shape in _called(student, images)]
    return sum(min(_seconds(*layer, half, order, rounds) for order in (False, True)) for layer in layers)


def _called(network: nn.Module, images: Tensor) -> Iterator[tuple[nn.Module, torch.Size]]:
    """Layers with weights and the shapes of their inputs, in the order of their calls."""
    found: list[tuple[nn.Module, torch.Size]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda module, args, _: found.append((module, args[0].shape)))
    with torch.no_grad():
        network.eval()(images)
    return iter(found)


def _seconds(layer: nn.Module, shape: torch.Size, trains: bool, half: bool, channels_last: bool, rounds: int) -> float:
    def tensor(like: Tensor) -> Tensor:
        form = torch.channels_last if channels_last and like.ndim == 4 else torch.contiguous_format
        return like.to(torch.bfloat16 if half else torch.float32).contiguous(memory_format=form)

    weight: Tensor = layer.weight  # type: ignore[assignment]
    inputs, weight = tensor(torch.randn(shape)), tensor(weight.detach())
    needs = [each.requires_grad_() for each in (weight, inputs) if trains and (each is weight or shape[1] != 3)]  # no gradient of images

    def forward() -> Tensor:
        if isinstance(layer, nn.Conv2d):
            return F.conv2d(inputs, weight, None, layer.stride, layer.padding)  # type: ignore[arg-type]
        return F.linear(inputs, weight)

    gradient, seconds = tensor(torch.randn_like(forward())), []
    for _ in range(rounds + 1):
        begin = time.process_time()
        outputs = forward()
        if needs:
            torch.autograd.grad(outputs, needs, gradient)
        seconds.append(time.process_time() - begin)
    return median(seconds[1:])
