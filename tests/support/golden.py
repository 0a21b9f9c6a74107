"""Inputs and weights of the golden numbers, and the numbers themselves (`golden/*.json`, float64).

The inputs are a hash of the position, so any language can make them again; the weights depend on shapes only, so a
network that names or orders its parameters differently is filled alike.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

FOLDER = Path(__file__).parent / 'golden'


def load(name: str) -> Any:
    """The numbers of `golden/<name>.json`."""
    return json.loads((FOLDER / f'{name}.json').read_text())


def uniform(shape: Sequence[int], salt: int) -> Tensor:
    """Values in [-1, 1) that depend on shape and salt only: float64 that float32 can hold."""
    x = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32((salt * 1000003) & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    values = (x / 2.0**31 - 1).astype(np.float32)
    return torch.from_numpy(values).double().reshape(tuple(shape))


@torch.no_grad()
def fill_by_shape(module: nn.Module) -> nn.Module:
    """Fills every parameter by its shape, in place; running statistics stay. Turn to float64 afterwards, not before."""
    norms = {id(p) for m in module.modules() if isinstance(m, _BatchNorm) for p in m.parameters(recurse=False)}
    made: dict[tuple[int, ...], Tensor] = {}  # a big network repeats few shapes
    for name, parameter in module.named_parameters():
        shape = tuple(parameter.shape)
        if id(parameter) in norms:
            parameter.fill_(1.0 if name.endswith('weight') else 0.0)
            continue
        if shape not in made:
            scale = math.sqrt(3 / math.prod(shape[1:])) if len(shape) > 1 else 0.1
            made[shape] = uniform(shape, 0).float() * scale  # a float32 product: float64 would miss by 1e-7
        parameter.copy_(made[shape])
    return module
