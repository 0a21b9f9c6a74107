"""ShuffleNetV1 for 32 px: golden numbers, and widths that cannot be grouped."""

import pytest
import torch
from support.cifar_zoo import check_golden_numbers, of_golden_numbers

from mmkd_ext.models.backbones.cifar_shufflenet_v1 import CIFARShuffleNetV1, ShuffleUnit


@pytest.mark.parametrize('arch', of_golden_numbers('CIFARShuffleNetV1'))
def test_equals_the_golden_numbers(arch):
    check_golden_numbers(arch)


def test_a_unit_without_weights_is_its_input_after_the_relu_or_its_average(rng):
    x = torch.randn(2, 12, 4, 4, generator=rng)
    same, halved = ShuffleUnit(12, 12, 1, 3).eval(), ShuffleUnit(12, 24, 2, 3).eval()
    for parameter in (*same.parameters(), *halved.parameters()):
        parameter.data.zero_()
    torch.testing.assert_close(same(x), x.relu(), rtol=0, atol=0)
    first = x.relu()[:, :, :2, :2].sum(dim=(2, 3)) / 9  # the window of the corner, beyond which there are zeros
    torch.testing.assert_close(halved(x)[:, 12:, 0, 0], first)
    assert halved(x).shape == (2, 24, 2, 2) and not halved(x)[:, :12].any()


@pytest.mark.parametrize('options', [
    dict(widths=(240, 480)), dict(blocks=(4, 8)), dict(widths=(240, 480, 960, 1024)), dict(widths=(240, 240, 480)),
    dict(widths=(480, 240, 960)), dict(widths=(100, 200, 400)), dict(groups=7)], ids=str)
def test_widths_and_blocks_that_make_no_network_are_refused_in_one_sentence(options):
    with pytest.raises(ValueError, match='CIFARShuffleNetV1 needs three widths .* three numbers of blocks'):
        CIFARShuffleNetV1(**options)


def test_other_widths_that_can_be_grouped_are_taken():
    assert CIFARShuffleNetV1(widths=(200, 400, 800), groups=2).out_channels == (24, 200, 400, 800, 800)  # of the paper's table 1
