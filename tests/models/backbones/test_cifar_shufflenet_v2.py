"""ShuffleNetV2 for 32 px, against mmpretrain's."""

import pytest
import torch
from mmpretrain.models.backbones import ShuffleNetV2
from support import golden

from mmkd_ext.models.backbones.cifar_shufflenet_v2 import CIFARShuffleNetV2


def test_shufflenet_v2_equals_the_host_s_beyond_the_stem(rng):
    """No golden numbers exist for it; mmpretrain's has the same units behind a stem for larger images."""
    ours = golden.fill_by_shape(CIFARShuffleNetV2(out_indices=range(5))).double().eval()
    stock = golden.fill_by_shape(ShuffleNetV2(widen_factor=1.0)).double()
    stock.eval()  # it does not return itself
    with torch.no_grad():
        stem, *expected = ours(torch.randn(2, 3, 32, 32, generator=rng, dtype=torch.float64))
        x = stem
        for layer, ours_now in zip(stock.layers, expected, strict=True):
            x = layer(x)
            torch.testing.assert_close(ours_now, x)


@pytest.mark.parametrize('options', [
    dict(widths=(116, 232, 464)), dict(blocks=(3, 7)), dict(widths=(116, 233, 464, 1024)), dict(blocks=(3, 7, 3, 1))], ids=str)
def test_widths_and_blocks_that_make_no_network_are_refused_in_one_sentence(options):
    with pytest.raises(ValueError, match='CIFARShuffleNetV2 needs four widths, .* three numbers of blocks'):
        CIFARShuffleNetV2(**options)
