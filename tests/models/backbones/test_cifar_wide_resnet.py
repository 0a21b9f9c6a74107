"""Wide ResNets for 32 px: golden numbers, and one BatchNorm for both who read it."""

import pytest
import torch
from support.cifar_zoo import check_golden_numbers, of_golden_numbers

from mmkd_ext.models.backbones.cifar_wide_resnet import CIFARWideResNet


@pytest.mark.parametrize('arch', of_golden_numbers('CIFARWideResNet'))
def test_equals_the_golden_numbers(arch):
    check_golden_numbers(arch)


def test_the_shared_normalisation_of_a_wide_resnet_runs_once(rng):
    net = CIFARWideResNet(10, out_indices=range(5)).train()
    net(torch.randn(2, 3, 32, 32, generator=rng))
    counts = {int(v) for k, v in net.state_dict().items() if k.endswith('num_batches_tracked')}
    assert counts == {1}


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'depth': 20}, r'6n \+ 4 .* got 20'), ({'depth': 4}, 'got 4 and 1'), ({'depth': 16, 'width': 0}, 'got 16 and 0')])
def test_depths_and_widths_that_do_not_exist_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CIFARWideResNet(**arguments)
