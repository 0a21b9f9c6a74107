"""Images that are no numbers are named by their files."""

from types import SimpleNamespace

import torch

from mmkd_ext.preflight.finite_images import images_without_numbers


def test_images_with_nan_or_inf_are_named_by_their_files_or_places(rng):
    images = torch.rand(4, 3, 2, 2, generator=rng)
    samples = [SimpleNamespace(img_path='a.png'), SimpleNamespace(img_path='b.png'), SimpleNamespace(), SimpleNamespace(img_path='d.png')]
    assert images_without_numbers(images, samples) == [] == images_without_numbers(images.byte(), None)
    images[1, 0, 0, 0], images[2, 2, 1, 1] = torch.nan, -torch.inf
    assert images_without_numbers(images, samples) == ['b.png', 'image 2'] == images_without_numbers([images, images.abs()], samples)
    assert images_without_numbers(images, None) == ['image 1', 'image 2']
