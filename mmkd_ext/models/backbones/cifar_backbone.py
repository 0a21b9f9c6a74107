"""Base class of the CIFAR backbones that papers on KD share. N samples, S stages."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor

from mmkd_ext.errors import check_wholes

KAIMING = (
    {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out', 'nonlinearity': 'relu'},
    {'type': 'Constant', 'layer': 'BatchNorm2d', 'val': 1},
)


class CIFARBackbone(BaseBackbone):
    """A backbone whose stages can be read before or after their last ReLU.

    Inside, a stage passes on its map **before** the ReLU and whoever reads it applies the ReLU: so both are there at no
    cost. Outputs 0..S-1 are the stages (0 the stem), output S is the final map, which the classifier pools: the last
    stage after its ReLU or, in MobileNetV2 and ShuffleNetV2, a 1x1 convolution of it.

    Args:
        out_indices: Outputs to return, ascending; None: the final map only. The classifier pools the last one returned.
        pre_activation: Return the stages before their ReLU, as ReviewKD takes them from the teacher. The final map is
            needed too then, or the classifier would pool a map without ReLU.
        init_cfg: Initialisation; the default of each class is that of the published code.

    Shapes:
        x: (N, 3, 32, 32), normalised; larger images work too.
        returns: a tuple of maps (N, C, H, W).

    Raises:
        ValueError: out_indices that the network does not have, or that leave out the final map under `pre_activation`.
    """

    num_stages = 4
    # widths of the outputs 0..S; each class sets it
    out_channels: tuple[int, ...]

    def __init__(
        self,
        out_indices: Sequence[int] | None = None,
        pre_activation: bool = False,
        init_cfg: Any = None,
    ) -> None:
        check_wholes(type(self).__name__, out_indices=out_indices)
        super().__init__(init_cfg)
        final = self.num_stages
        indices = (final,) if out_indices is None else tuple(out_indices)
        if not indices or list(indices) != sorted(set(indices)) or not 0 <= indices[0] <= indices[-1] <= final:
            raise ValueError(
                f'{type(self).__name__} needs ascending out_indices among 0..{final - 1} (stages, 0 the stem) and '
                f'{final} (the final map), got {list(indices)}.')
        if pre_activation and indices[-1] != final:
            raise ValueError(
                f'{type(self).__name__} with pre_activation=True needs the final map, {final}, as the last of '
                f'out_indices, because the classifier pools the last output; got {list(indices)}.')
        self.out_indices = indices
        self.pre_activation = pre_activation

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the wanted maps, shallow first."""
        maps = self.stage_maps(x)
        outputs = []
        for index in self.out_indices:
            if index == self.num_stages:
                outputs.append(self.final_map(maps[-1]))
            else:
                outputs.append(maps[index] if self.pre_activation else self.activate(maps[index], index))
        return tuple(outputs)

    def train(self, mode: bool = True) -> 'CIFARBackbone':
        """Return self, as every module does; mmpretrain's base class returns nothing."""
        super().train(mode)
        return self

    @abstractmethod
    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """All S stages' maps before their last ReLU."""

    def activate(self, stage_map: Tensor, index: int) -> Tensor:
        """Return stage `index` as the next one reads it."""
        return F.relu(stage_map)

    def final_map(self, last: Tensor) -> Tensor:
        """Return what the classifier pools, from the last stage's map before its ReLU."""
        return self.activate(last, self.num_stages - 1)
