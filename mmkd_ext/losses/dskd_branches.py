"""DSKD's branches on shallow stages: a classifier, and a regressor to the teacher's width. N samples, K classes, C channels."""

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from .adapter import Adapter

Shape = tuple[int, int, int]  # channels, height, width of a map


class PredictionBranch(Adapter):
    """From a shallow map to logits: stage by stage down to the last one's size, then pooled and classified.

    A 3x3 convolution with normalisation and ReLU for each remaining stage, to its width, and further ones while the map
    is larger than that stage's; each halves the map unless it has the size already.

    Args:
        stages: The map's own (C, H, W) and those of all deeper stages.
        num_classes: K.
        norm_cfg: The normalisation.

    Shapes:
        x: (N, C, H, W).
        returns: (N, K) raw logits.
    """

    def __init__(self, stages: Sequence[Shape], num_classes: int, norm_cfg: dict) -> None:
        (channels, height, width), *deeper = stages
        layers: list[nn.Module] = []
        strides: list[int] = []
        for out, goal_height, goal_width in deeper:
            while True:
                stride = 2 if height > goal_height or width > goal_width else 1
                layers += conv_norm_relu(channels, out, 3, stride, norm_cfg)
                strides.append(stride)
                channels, height, width = out, -(-height // stride), -(-width // stride)
                if height <= goal_height and width <= goal_width:
                    break
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
        self.strides = tuple(strides)
        self.width = channels

    def describe(self) -> str:
        """In words, for the distiller's table."""
        return f'{len(self.strides)} conv 3x3 (stride {", ".join(map(str, self.strides))}), Linear({self.width})'


class MapRegressor(Adapter):
    """From a student's map to the teacher's width: 1x1, 3x3 and 1x1 convolutions, twice as wide in the middle.

    Args:
        in_channels: Width of the student's map.
        out_channels: Width of the teacher's map.
        norm_cfg: The normalisation.
    """

    def __init__(self, in_channels: int, out_channels: int, norm_cfg: dict) -> None:
        mid = 2 * out_channels
        super().__init__(
            *conv_norm_relu(in_channels, mid, 1, 1, norm_cfg),
            *conv_norm_relu(mid, mid, 3, 1, norm_cfg),
            nn.Conv2d(mid, out_channels, 1, bias=False),
        )


def conv_norm_relu(in_channels: int, out_channels: int, kernel: int, stride: int, norm_cfg: dict) -> list[nn.Module]:
    """A convolution without bias, its normalisation and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    return [conv, build_norm_layer(norm_cfg, out_channels)[1], nn.ReLU(inplace=True)]


def shape_of(x: Tensor) -> Shape:
    """Channels, height and width of a map (N, C, H, W)."""
    return x.shape[1], x.shape[2], x.shape[3]
