"""Maps in what a module returns: tensors in any nesting, tokens laid out as the image."""

import pytest
import torch

from mmkd_ext.models.outputs.feature_maps import as_map


@pytest.mark.parametrize('images', [(64, 64), (32, 64), (96, 32)])
@pytest.mark.parametrize('prefix', [0, 1, 2, 5])
def test_tokens_lie_as_the_image(rng, images, prefix):
    grid = images[0] // 8, images[1] // 8
    expected = torch.randn(2, 6, *grid, generator=rng)
    tokens = torch.cat([torch.randn(2, prefix, 6, generator=rng), expected.flatten(2).transpose(1, 2)], dim=1)
    shape = torch.Size([2, 3, *images])
    torch.testing.assert_close(as_map(tokens, shape, None, prefix), expected)
    torch.testing.assert_close(as_map(expected.permute(0, 2, 3, 1), shape), expected)
    torch.testing.assert_close(as_map(expected, shape, 6), expected)
    assert as_map(expected, shape, 7) is None
    assert as_map(tokens[:1], shape, None, prefix) is None  # as many rows as windows, not as images
    assert as_map(torch.zeros(2, 23, 6), torch.Size([2, 3, 64, 64]), None, prefix) is None
