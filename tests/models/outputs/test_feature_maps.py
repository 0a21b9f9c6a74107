"""Maps in what a module returns: tensors in any nesting, tokens laid out as the image."""

import pytest
import torch

from mmkd_ext.models.outputs.feature_maps import as_map, shows, tensors_in


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


def test_tensors_are_found_in_sequences_and_mappings_in_their_order():
    one, two, three = torch.zeros(3, 1)
    found = tensors_in(dict(a=[one, (two, 'text', None)], b=3, c=three))
    assert [id(x) for x in found] == [id(one), id(two), id(three)]
    assert list(tensors_in('text')) == list(tensors_in(None)) == list(tensors_in([])) == []


@pytest.mark.parametrize('x', [
    torch.zeros(3, 6, 8, 8), torch.zeros(2, 6), torch.zeros(2, 6, 8, 8, dtype=torch.long), torch.zeros(2, 6, 2, 4, 4)],
    ids=['other images', 'vectors', 'whole numbers', 'volumes'])
def test_what_is_no_map_is_none(x):
    assert as_map(x, torch.Size([2, 3, 64, 64])) is None


def test_a_width_that_is_known_tells_which_dimension_has_the_channels():
    x = torch.zeros(2, 8, 8, 6)
    shape = torch.Size([2, 3, 64, 64])
    assert as_map(x, shape, 6).shape == (2, 6, 8, 8)
    assert as_map(torch.zeros(2, 6, 4, 4), shape, 6).shape == (2, 6, 4, 4)
    assert as_map(x, shape, 5) is None


@pytest.mark.parametrize(('channels', 'size', 'shown'), [
    (4, (8, 8), True), (1, (8, 8), False), (4, (1, 1), False), (4, (8, 2), False), (4, (3, 3), True)])
def test_a_map_shows_the_image_with_its_proportions_in_more_than_one_cell_and_channel(channels, size, shown):
    assert shows(torch.zeros(2, channels, *size), torch.Size([2, 3, 64, 64])) is shown


def test_a_grid_may_be_off_by_a_cell():
    """13 x 7 cells of an image of 100 x 50 pixels, as strided convolutions round them."""
    shape = torch.Size([1, 3, 100, 50])
    assert as_map(torch.zeros(1, 91, 6), shape).shape == (1, 6, 13, 7) and shows(torch.zeros(1, 6, 13, 7), shape)
