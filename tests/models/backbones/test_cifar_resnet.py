"""ResNets for 32 px: golden numbers, and depths that there are."""

import pytest
import torch
from support.cifar_zoo import check_golden_numbers, of_golden_numbers

from mmkd_ext.models.backbones.cifar_resnet import BasicBlock, Bottleneck, CIFARResNet


@pytest.mark.parametrize('arch', [*of_golden_numbers('CIFARResNet'), *of_golden_numbers('CIFARResNet50')])
def test_equals_the_golden_numbers(arch):
    check_golden_numbers(arch)


@pytest.mark.parametrize('block', [BasicBlock, Bottleneck])
def test_a_block_without_weights_is_its_shortcut(rng, block):
    """From a map before its ReLU to a map before its ReLU, so what is added is the map after it."""
    module = block(16, 16, 1).eval()
    for parameter in module.parameters():
        parameter.data.zero_()
    x = torch.randn(2, 16, 4, 4, generator=rng)
    torch.testing.assert_close(module(x), x.clamp(min=0), rtol=0, atol=0)
    assert block(16, 32, 2)(x).shape == (2, 32, 2, 2)


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'depth': 18}, r'6n \+ 2 .* got 18'), ({'depth': 2}, 'got 2 and 1'), ({'depth': 20, 'width': 0}, 'got 20 and 0')])
def test_depths_and_widths_that_do_not_exist_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CIFARResNet(**arguments)
