"""ResNeXt for 32 px images."""

from typing import Any

from mmcv.cnn import build_conv_layer, build_norm_layer
from mmpretrain.models.backbones import ResNet_CIFAR
from mmpretrain.models.backbones.resnet import BasicBlock, ResLayer
from mmpretrain.models.backbones.resnext import Bottleneck

from mmkd_ext.registry import MODELS


class WideBasicBlock(BasicBlock):
    """A basic block whose first convolution has twice the output's width."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        self.mid_channels = 2 * out_channels
        self.conv1 = build_conv_layer(
            self.conv_cfg,
            in_channels,
            self.mid_channels,
            3,
            stride=self.stride,
            padding=self.dilation,
            dilation=self.dilation,
            bias=False,
        )
        setattr(self, self.norm1_name, build_norm_layer(self.norm_cfg, self.mid_channels, postfix=1)[1])
        self.conv2 = build_conv_layer(self.conv_cfg, self.mid_channels, out_channels, 3, padding=1, bias=False)


@MODELS.register_module()
class ResNeXt_CIFAR(ResNet_CIFAR):  # noqa: N801 (named as mmpretrain names its sibling)
    """ResNeXt with the CIFAR stem (3x3, stride 1, no pooling).

    Args:
        depth: 50, 101, 152: ResNeXt 32x4d (Xie et al. 2017, arXiv:1611.05431). 18, 34: what TESKD's code calls ResNeXt, basic blocks of
            twice the inner width without groups.
        **kwargs: As mmpretrain's `ResNet_CIFAR`.

    Example:
        >>> import torch
        >>> backbone = ResNeXt_CIFAR(depth=50, out_indices=(2, 3))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(2, 3, 32, 32))]
        [(2, 1024, 8, 8), (2, 2048, 4, 4)]
    """

    arch_settings = {
        18: (WideBasicBlock, (2, 2, 2, 2)),
        34: (WideBasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)),
        101: (Bottleneck, (3, 4, 23, 3)),
        152: (Bottleneck, (3, 8, 36, 3)),
    }

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """A stage; its groups grow with the stage's width against the first one's, which the bottlenecks need to know."""
        if self.block is Bottleneck:
            kwargs['base_channels'] = self.base_channels
        return super().make_res_layer(**kwargs)
