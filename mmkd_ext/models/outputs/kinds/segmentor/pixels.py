"""What a decode head says at pixels of its grid, read while it runs. N images, S pixels, K classes, D channels, h x w cells of the grid."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.models.outputs.forward_hooks import shadowed

Grid = tuple[int, int]


class Pixels(NamedTuple):
    """Where a segmentor's labelled pixels are.

    Attributes:
        size: Height and width of the grid in which they lie; None: that of the network that is asked.
        cells: (S,) places among the N h w cells, image after image and row after row; None: all of them.
    """

    size: Grid | None = None
    cells: Tensor | None = None

    def of(self, x: Tensor, align_corners: bool) -> Tensor:
        """(S, C) of a map (N, C, H, W), which is resized to the grid first where it has another size.

        Example:
            >>> x = torch.tensor([[[[0.0, 2.0], [4.0, 6.0]]]])
            >>> Pixels((3, 3), torch.tensor([4, 8])).of(x, align_corners=True).flatten()
            tensor([3., 6.])
        """
        if self.size is not None and tuple(x.shape[2:]) != self.size:
            x = F.interpolate(x, self.size, mode='bilinear', align_corners=align_corners)
        rows = x.permute(0, 2, 3, 1).flatten(0, 2)
        return rows if self.cells is None or len(self.cells) == len(rows) else rows.index_select(0, self.cells)


class HeadPass:
    """What was seen of one pass of a decode head.

    Attributes:
        entered: (N, D, h, w), what entered its last convolution, `conv_seg`.
        scores: (N, K, h, w), what that gave.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._calls: list[tuple[Tensor, Tensor]] = []

    @property
    def entered(self) -> Tensor:
        """See the class."""
        return self._calls[0][0]

    @property
    def scores(self) -> Tensor:
        """See the class; of a head with one score for two classes that one, and before it 0, whose softmax is its sigmoid."""
        out = self._calls[0][1]
        return torch.cat([torch.zeros_like(out), out], dim=1) if out.shape[1] == 1 else out

    def see(self, _: nn.Module, args: tuple[Any, ...], out: Tensor) -> None:
        """A forward hook of `conv_seg`."""
        self._calls.append((args[0], out))

    def check(self, out: Any) -> None:
        """Raise a `ValueError` where the head's class scores are not what `conv_seg` gave."""
        if len(self._calls) != 1 or not any(x is self._calls[0][1] for x in tensors_in(out)):
            raise ValueError(
                f'Distillation of segmentors needs a decode head whose class scores are those of its conv_seg, got a {self.name}, which '
                f'runs it {len(self._calls)} times and makes something else of them.')


@contextmanager
def watching_head(head: nn.Module) -> Iterator[HeadPass]:
    """Watch one pass of a decode head, its own losses included; nothing stays on it."""
    seen = HeadPass(type(head).__name__)
    conv: Any = head.conv_seg
    hook = conv.register_forward_hook(seen.see)
    try:
        with shadowed(head, 'forward', seen.check):
            yield seen
    finally:
        hook.remove()


def labels_at(samples: Sequence[Any], size: Grid, align_corners: bool) -> Tensor:
    """(N, h, w) labels of the pixels that lie nearest to the middle of each cell of a grid; with `align_corners` nearest to its corner.

    Args:
        samples: Of mmseg, with label maps (1, H, W) of one size.
        size: Of the grid.
        align_corners: How the head resizes its logits to the images, so where its cells lie.
    """
    labels = torch.cat([x.gt_sem_seg.data for x in samples])
    rows, columns = (_nearest(cells, pixels, align_corners) for cells, pixels in zip(size, labels.shape[1:], strict=True))
    return labels[:, rows.to(labels.device)[:, None], columns.to(labels.device)]


def _nearest(cells: int, pixels: int, align_corners: bool) -> Tensor:
    """(cells,) places among the pixels of a row.

    Example:
        >>> _nearest(2, 8, False).tolist(), _nearest(2, 8, True).tolist()
        ([2, 6], [0, 7])
    """
    places = torch.arange(cells, dtype=torch.float64)
    if align_corners and cells > 1:
        return (places * (pixels - 1) / (cells - 1)).round().long()
    return ((places + 0.5) * pixels / cells).floor().long()


def labelled(labels: Tensor, classes: int, ignored: int | None) -> Tensor:
    """(S,) the indices of the labels, flattened, that are a class and not to be ignored."""
    sound = (labels >= 0) & (labels < classes)
    return (sound if ignored is None else sound & (labels != ignored)).flatten().nonzero().flatten()


def check_label_maps(classes: int, ignored: int | None, preprocessor: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse a label map of training data with a label that is neither a class nor to be ignored; torch would say 'out of bounds'.

    It is to be bound to the first two and hooked before a preprocessor, where the samples are still on the CPU.

    Args:
        classes: K.
        ignored: The label of pixels that teach nothing; None: there is none.
        preprocessor: It is hooked before.
        args: Of its call.
        kwargs: Likewise.

    Raises:
        ValueError: There is one, with its image.
    """
    data, training, *_ = (*args, *kwargs.values(), False)
    samples = data.get('data_samples') if training and isinstance(data, Mapping) else None
    for sample in samples or ():
        labels = sample.gt_sem_seg.data
        bad = (labels < 0) | (labels >= classes)
        bad = bad if ignored is None else bad & (labels != ignored)
        if labels.device.type == 'cpu' and bad.any():
            but = '' if ignored is None else f', or {ignored} for pixels without one,'
            raise ValueError(
                f'Labels of pixels in 0..{classes - 1}{but} are needed, got {int(labels[bad][0])} in '
                f'{sample.get("seg_map_path") or sample.get("img_path") or "an image"}. Look at the label maps, at reduce_zero_label of '
                'the data set and at num_classes of decode_head.')
