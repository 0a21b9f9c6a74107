"""MobileNetV2 for 32 px: golden numbers, and a block by hand."""

import pytest
import torch
import torch.nn.functional as F
from support.cifar_zoo import check_golden_numbers, of_golden_numbers

from mmkd_ext.models.backbones.cifar_mobilenet_v2 import CIFARMobileNetV2, InvertedResidual


@pytest.mark.parametrize('arch', of_golden_numbers('CIFARMobileNetV2'))
def test_equals_the_golden_numbers(arch):
    check_golden_numbers(arch)


@pytest.mark.parametrize(('out', 'stride', 'added'), [(4, 1, True), (4, 2, False), (6, 1, False)])
def test_a_block_widens_convolves_each_channel_alone_and_narrows_without_a_relu(rng, out, stride, added):
    block = InvertedResidual(4, out, stride, 3).double().eval()
    x = torch.randn(2, 4, 6, 6, generator=rng, dtype=torch.float64)
    wide, depthwise, narrow = (block.conv[i].weight for i in (0, 3, 6))
    scale = (1 + 1e-5) ** -0.5  # of a BatchNorm that has seen nothing
    hidden = (scale * F.conv2d(x, wide)).clamp(min=0)
    each = [F.conv2d(hidden[:, c:c + 1], depthwise[c:c + 1], stride=stride, padding=1) for c in range(12)]
    expected = scale * F.conv2d((scale * torch.cat(each, dim=1)).clamp(min=0), narrow)
    torch.testing.assert_close(block(x), x + expected if added else expected)


def test_a_width_of_which_no_channel_is_left_is_refused():
    assert CIFARMobileNetV2(width=1 / 16).out_channels == (2, 1, 2, 6, 20, 1280)
    with pytest.raises(ValueError, match='CIFARMobileNetV2 needs width'):
        CIFARMobileNetV2(width=0.06)
