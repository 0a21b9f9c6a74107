"""TESKD's neck: the students, sub-networks on one backbone that exist while it trains. N samples, n stages, W channels."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from math import prod

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmkd_ext.errors import check_given, check_whole, check_wholes
from mmkd_ext.losses.adapter import normalise
from mmkd_ext.registry import MODELS

BN = dict(type='BN')


@MODELS.register_module()
class TESKDNeck(BaseModule):
    """Pools the backbone's last map and, while training, grows one student on every other stage.

    The students hang on the backbone like a feature pyramid: the last map is taken down through the stages, each step adds the stage's own
    map, and from each step a branch leads to a pooled feature as wide as the teacher's. In eval mode nothing but the pooling runs.

    Args:
        in_channels: Widths of the stages, shallow first; two or more.
        channels: Width W of the students. The paper's, and the default, is the last stage's; with bottleneck blocks that is 400 M
            parameters, so choose less there.
        stage_strides: Stride of each stage against the one before (the first number does not matter). Default: 2 for each.
        branch_strides: Stride of each student's branch, shallow first. Default: what brings the student's map to the last stage's size.
        eval_students: Whether the students run in eval mode too, to be tested.
        norm_cfg: The students' normalisation; a BatchNorm takes one value per channel by its running statistics.
        init_cfg: Default: PyTorch's own initialisation, as the paper.
        precision: 'bf16': the students run in bfloat16 beside a backbone and losses of float32, which is much faster where the device has
            matrix units for it; their weights stay float32. None: as the rest.

    Shapes:
        stages: n maps (N, in_channels[i], H_i, W_i).
        returns: n features (N, in_channels[-1]), the students' shallow first, then the teacher's; in eval mode the teacher's alone.

    Raises:
        ValueError: fewer than two stages, an unknown precision, or stages that contradict `in_channels` or `stage_strides`.

    Source: TESKD, arXiv:2110.00329.

    Example:
        >>> import torch
        >>> neck = TESKDNeck(in_channels=(8, 16, 32))
        >>> stages = [torch.zeros(2, 8, 16, 16), torch.zeros(2, 16, 8, 8), torch.zeros(2, 32, 4, 4)]
        >>> [tuple(x.shape) for x in neck(stages)]  # two students, then the teacher
        [(2, 32), (2, 32), (2, 32)]
        >>> [tuple(x.shape) for x in neck.eval()(stages)]
        [(2, 32)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int | None = None,
        stage_strides: Sequence[int] | None = None,
        branch_strides: Sequence[int] | None = None,
        eval_students: bool = False,
        norm_cfg: dict = BN,
        init_cfg: dict | None = None,
        precision: str | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_given('TESKDNeck', in_channels=in_channels)
        check_whole('TESKDNeck', channels=channels)
        check_wholes('TESKDNeck', 1, in_channels=in_channels, stage_strides=stage_strides, branch_strides=branch_strides)
        n = len(in_channels)
        if n < 2:
            raise ValueError(
                f'TESKDNeck needs two or more stages to grow students on, got in_channels={tuple(in_channels)}. Let the '
                'backbone return more of its stages (out_indices) and list their widths in model.neck.in_channels.'
            )
        self.in_channels = tuple(in_channels)
        self.stage_strides = tuple(stage_strides or (2,) * n)
        if len(self.stage_strides) != n:
            raise ValueError(f'TESKDNeck needs one stage stride per stage ({n}), got stage_strides={self.stage_strides}.')
        self.branch_strides = tuple(branch_strides or (prod(self.stage_strides[i + 1 :]) for i in range(n - 1)))
        if len(self.branch_strides) != n - 1:
            raise ValueError(
                f'TESKDNeck needs one branch stride per student ({n - 1}), got branch_strides={self.branch_strides}.'
            )
        if precision not in (None, 'bf16'):
            raise ValueError(f"TESKDNeck needs precision to be None or 'bf16', got {precision!r}.")
        self.eval_students, self.precision = eval_students, precision
        width, deepest = channels or self.in_channels[-1], self.in_channels[-1]
        self.laterals = nn.ModuleList(_PointwiseConv(c, width, norm_cfg) for c in self.in_channels)
        self.upsamples = nn.ModuleList(_Upsample(width, norm_cfg) for _ in self.branch_strides)
        self.fusions = nn.ModuleList(_Fusion(width, norm_cfg) for _ in self.branch_strides)
        self.branches = nn.ModuleList(_Branch(width, deepest, k, norm_cfg) for k in self.branch_strides)

    @staticmethod
    def plain_cfg(cfg: dict) -> dict:
        """The neck of mmpretrain that takes this one's place in the deployed network."""
        return dict(type='GlobalAveragePooling')

    def forward(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the pooled features: students shallow first while training, the teacher's always last."""
        teacher = F.adaptive_avg_pool2d(stages[-1], 1).flatten(1)
        if not (self.training or self.eval_students):
            return (teacher,)
        self._check(stages)
        with torch.autocast(teacher.device.type, torch.bfloat16) if self.precision else nullcontext():
            features = [self.branches[i](x) for i, x in self.student_maps(stages)]
        return (*(x.to(teacher.dtype) for x in reversed(features)), teacher)

    def student_maps(self, stages: Sequence[Tensor], last: int = 0) -> Iterator[tuple[int, Tensor]]:
        """Go down the pyramid and yield each student's number and map (N, W, H_i, W_i), the deepest first, down to `last`."""
        # 1x1 convolutions are matrix products in this layout; everything between them stays in it.
        stages = [stage.contiguous(memory_format=torch.channels_last) for stage in stages]
        x = self.laterals[-1](stages[-1])
        for i in reversed(range(last, len(stages) - 1)):
            lateral = self.laterals[i](stages[i])
            x = self.fusions[i](self.upsamples[i](x, lateral.shape[2:]), lateral)
            yield i, x

    def _check(self, stages: Sequence[Tensor]) -> None:
        shapes = [tuple(stage.shape) for stage in stages]
        if any(len(shape) != 4 for shape in shapes):
            raise ValueError(
                f'TESKDNeck needs maps (N, C, H, W) from the backbone, got {shapes}. Let it return its maps '
                '(ConvNeXt: gap_before_final_norm=False; transformers: out_type="featmap").'
            )
        widths = tuple(shape[1] for shape in shapes)
        if widths != self.in_channels and tuple(shape[3] for shape in shapes) == self.in_channels:
            raise ValueError(
                f'TESKDNeck needs maps (N, C, H, W), got {shapes}, which are (N, H, W, C), as from some of timm\'s '
                'transformers. Take the zoo\'s backbone of that name instead.'
            )
        if widths != self.in_channels:
            raise ValueError(
                f'TESKDNeck needs stages of widths {self.in_channels} (model.neck.in_channels), got {widths} from the '
                'backbone. Set in_channels to what the backbone gives, or its out_indices to the stages that you mean.'
            )
        for i in range(1, len(stages)):
            (h, w), (h_next, w_next), stride = stages[i - 1].shape[2:], stages[i].shape[2:], self.stage_strides[i]
            # A stage may round its size up (padding) or down (none).
            if not all(a // stride <= b <= -(-a // stride) for a, b in ((h, h_next), (w, w_next))):
                seen = (self.stage_strides[0], *(_stride(a, b) for a, b in zip(stages, stages[1:], strict=False)))
                raise ValueError(
                    f'TESKDNeck needs stages whose sizes follow stage_strides={self.stage_strides}, got the sizes '
                    f'{[tuple(stage.shape[2:]) for stage in stages]}. Set model.neck.stage_strides={seen}.'
                )


class _PointwiseConv(nn.Module):
    """1x1 convolution without bias, normalisation, ReLU."""

    def __init__(self, in_channels: int, channels: int, norm_cfg: dict) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.norm = build_norm_layer(norm_cfg, channels)[1]

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(normalise(self.norm, self.conv(x)))


class _Upsample(_PointwiseConv):
    """The same after bilinear resizing; the convolution comes first, since the two commute and it is cheaper on the small map."""

    def __init__(self, channels: int, norm_cfg: dict) -> None:
        super().__init__(channels, channels, norm_cfg)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]
        return F.relu_(normalise(self.norm, F.interpolate(self.conv(x), size=size, mode='bilinear', align_corners=True)))


class _Fusion(_PointwiseConv):
    """The same on concat[above + lateral, above], which is never built: [A | B] on it is (A + B) above + A lateral."""

    def __init__(self, channels: int, norm_cfg: dict) -> None:
        super().__init__(2 * channels, channels, norm_cfg)

    def forward(self, above: Tensor, lateral: Tensor) -> Tensor:  # type: ignore[override]
        n, c, h, w = above.shape
        of_above, of_lateral = self.halves()
        x = _rows(above) @ of_above.t()
        x = x.addmm_(_rows(lateral).to(x.dtype), of_lateral.t().to(x.dtype))  # in place, which autocast leaves alone
        return F.relu_(normalise(self.norm, x.view(n, h, w, c).permute(0, 3, 1, 2)))

    def halves(self) -> tuple[Tensor, Tensor]:
        """Weights (W, W) of the map above and of the lateral."""
        a, b = self.conv.weight.flatten(1).chunk(2, dim=1)
        return a + b, a


class _Branch(nn.Module):
    """From a student's map to its pooled feature: k x k convolution of stride k, then 1x1, each normalised and rectified."""

    def __init__(self, channels: int, out_channels: int, stride: int, norm_cfg: dict) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels, stride, stride)
        # The layout in which the kernel is a matrix over patches without a copy.
        self.reduce.weight.data = self.reduce.weight.data.contiguous(memory_format=torch.channels_last)
        self.reduce_norm = build_norm_layer(norm_cfg, channels)[1]
        self.expand = nn.Conv2d(channels, out_channels, 1)
        self.expand_norm = build_norm_layer(norm_cfg, out_channels)[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(_convolve_patches(x, self.kernel(*x.shape[2:]), self.reduce.bias))

    def kernel(self, h: int, w: int) -> Tensor:
        """The kernel of the first convolution; for a map below its size, which counts as padded with zeros, what lies on the map."""
        k = self.reduce.stride[0]
        return self.reduce.weight if k <= min(h, w) else self.reduce.weight[:, :, :h, :w]

    def pool(self, x: Tensor) -> Tensor:
        """Everything after the first convolution."""
        x = F.relu_(normalise(self.reduce_norm, x))
        x = F.relu_(normalise(self.expand_norm, self.expand(x)))
        return F.adaptive_avg_pool2d(x, 1).flatten(1)


def _rows(x: Tensor) -> Tensor:
    """Positions of a channels-last map (N, C, H, W) as rows (N * H * W, C), without a copy."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _convolve_patches(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution of stride = kernel size without padding, as one matrix product over its disjoint patches."""
    n, c, height, width = x.shape
    p, q = kernel.shape[2:]
    h, w = height // p, width // q
    patches = x.permute(0, 2, 3, 1)[:, : h * p, : w * q].reshape(n, h, p, w, q, c).transpose(2, 3).flatten(3)
    return F.linear(patches, kernel.permute(0, 2, 3, 1).flatten(1), bias).permute(0, 3, 1, 2)


def _stride(larger: Tensor, smaller: Tensor) -> int:
    return max(round(larger.shape[2] / smaller.shape[2]), 1)
