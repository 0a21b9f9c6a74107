"""The ONNX graph of a network, made in memory and checked with onnxruntime. N images of C channels, H x W pixels."""

import io
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmkd_ext.models.outputs.kinds.base import Kind

Compare = Callable[[Tensor, Tensor, str], None]


def check_graph(kind: type[Kind]) -> None:
    """Refuse networks of a kind that has no ONNX export.

    Raises:
        ValueError: It has none.
    """
    if kind.no_onnx is not None:
        instead = ', and use mmdeploy on the .pth and .py' if kind.boxes else ''
        raise ValueError(
            f'ONNX export is for classifiers and dense detectors, got {kind.called}, and {kind.no_onnx}: leave --onnx out{instead}.')


def onnx_bytes(kind: type[Kind], network: nn.Module, image: Tensor, compare: Compare) -> bytes:
    """The graph from normalised images to what the kind's `onnx_outputs` names, for any N and, of a dense detector, any H and W.

    H and W of a dense detector's images are multiples of what its preprocessor pads to, or of 32 pixels.

    Args:
        kind: Of the network.
        network: On the CPU, in eval mode.
        image: (2, C, H, W), such as it takes.
        compare: Called with what the graph gives, what the network gives, and what these are, in words; raises where they differ.

    Raises:
        ValueError: The graph cannot be made, or as `compare`.
    """
    import onnxruntime

    step = _step(kind, network)
    given = [image, image[:1]] if step is None else _of_sizes(image, step, _coarsest(kind, network, image, step))
    with torch.no_grad():
        expected = [kind.onnx_outputs(network, each) for each in given]
    sides = {} if step is None else {k: step * torch.export.Dim(side, min=1) for k, side in ((2, 'rows'), (3, 'columns'))}
    try:
        program: Any = torch.onnx.export(
            _Graph(network, kind).eval(), (given[0],), input_names=['images'], output_names=list(expected[0]),
            dynamic_shapes=({0: torch.export.Dim('batch'), **sides},), dynamo=True, verbose=False)
    except Exception as error:  # the exporter raises whatever a network's own lines do under it
        cause = error.__cause__ or error
        raise ValueError(
            f'A network that torch can export to ONNX is needed, got {type(network).__name__}: {_first_line(cause)}. Leave ONNX out. '
            'Nothing was written.') from error
    with io.BytesIO() as buffer:
        program.save(buffer)
        content = buffer.getvalue()
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    for images, wanted in zip(given, expected, strict=True):
        found = session.run(list(wanted), {'images': images.numpy()})
        for got, (name, each) in zip(found, wanted.items(), strict=True):
            compare(torch.from_numpy(got), each, 'the ONNX graph' if len(wanted) == 1 else f'the ONNX graph ({name})')
    return content


class _Graph(nn.Module):
    """A model of mmpretrain or mmdet as a function from images to tensors."""

    def __init__(self, model: nn.Module, kind: type[Kind]) -> None:
        super().__init__()
        self.model, self.kind = model, kind

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.kind.onnx_outputs(self.model, images).values())


def _step(kind: type[Kind], network: Any) -> int | None:
    """Pixels of which H and W are multiples."""
    if kind.onnx_step is None:
        return None
    padded = getattr(network.data_preprocessor, 'pad_size_divisor', 1)
    return padded if padded > 1 else kind.onnx_step


@torch.no_grad()
def _coarsest(kind: type[Kind], network: nn.Module, image: Tensor, step: int) -> int:
    """How many pixels a cell of the smallest map has."""
    side = 8 * step
    maps: Mapping[str, Tensor] = kind.onnx_outputs(network, image.new_zeros(1, image.shape[1], side, side))
    return max(math.ceil(side / x.shape[-1]) for x in maps.values())


def _of_sizes(image: Tensor, step: int, coarsest: int) -> list[Tensor]:
    """Images of three sizes. Maps of the first, by which the graph is made, have several cells: of one cell torch makes a constant."""
    rng = torch.Generator().manual_seed(0)
    large = step * max(2, math.ceil(2 * coarsest / step))
    sizes = [(2, large, large + step), (1, large + 2 * step, large - step), (3, step, 2 * step)]
    return [torch.randn(n, image.shape[1], height, width, generator=rng) for n, height, width in sizes]


def _first_line(error: BaseException) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), '')
    return f'{type(error).__name__}: {text}'.rstrip(': .')[:300]
