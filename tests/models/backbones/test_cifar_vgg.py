"""VGG for 32 px: golden numbers and poolings."""

import pytest
import torch
from support.cifar_zoo import check_golden_numbers, of_golden_numbers

from mmkd_ext.models.backbones.cifar_vgg import CIFARVGG


@pytest.mark.parametrize('arch', of_golden_numbers('CIFARVGG'))
def test_equals_the_golden_numbers(arch):
    check_golden_numbers(arch)


def test_vgg_pools_once_more_at_64_pixels():
    net = CIFARVGG(8, out_indices=range(6)).eval()
    sizes = {size: [m.shape[-1] for m in net(torch.zeros(1, 3, size, size))] for size in (32, 64)}
    assert sizes == {32: [32, 16, 8, 4, 4, 4], 64: [64, 32, 16, 8, 4, 4]}


@pytest.mark.parametrize('depth', [12, '8', [8], None, 8.0, True])
def test_depths_that_do_not_exist_are_refused(depth):
    with pytest.raises(ValueError, match='CIFARVGG needs') as error:
        CIFARVGG(depth)
    assert repr(depth) in str(error.value)
