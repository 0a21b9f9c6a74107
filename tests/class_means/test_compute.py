"""Class means: float64, each sample once, and a file that tells where it comes from."""

from types import SimpleNamespace

import pytest
import torch

from mmkd_ext.class_means.class_means_file import load_class_means, save_class_means
from mmkd_ext.class_means.compute import compute_class_means

MADE = dict(teacher='a', data='b', pipeline='c')


def teacher(images):
    return SimpleNamespace(embedding=images.flatten(1))


def batches(rng, n=40, size=7, classes=3):
    images, labels = torch.randn(n, 2, 2, 1, generator=rng) + 100, torch.randint(classes, (n,), generator=rng)
    return images, labels, list(zip(images.split(size), labels.split(size), strict=True))


def test_means_equal_the_naive_ones_in_float64(rng):
    images, labels, parts = batches(rng)
    means, counts = compute_class_means(teacher, parts, 'abc')
    for k in range(3):
        members = images.flatten(1)[labels == k].double()
        torch.testing.assert_close(means[k], members.mean(dim=0), rtol=1e-14, atol=0)
        assert counts[k] == len(members)
    assert means.dtype == torch.float64


def test_a_class_without_samples_has_no_mean_and_a_foreign_label_is_named(rng):
    _, _, parts = batches(rng)
    means, counts = compute_class_means(teacher, parts, ['cat', 'dog', 'hen', 'owl', 'emu'])
    expected, _ = compute_class_means(teacher, parts, ['cat', 'dog', 'hen'])
    assert means.isnan().all(dim=1).tolist() == [False] * 3 + [True] * 2 and counts[3:].tolist() == [0, 0]
    torch.testing.assert_close(means[:3], expected, rtol=0, atol=0)
    with pytest.raises(ValueError, match=r'labels in 0\.\.1, got 0\.\.2'):
        compute_class_means(teacher, parts, ['cat', 'dog'])
    with pytest.raises(ValueError, match='got none'):
        compute_class_means(teacher, [], ['cat'])


def test_a_file_comes_back_for_its_own_provenance_only(tmp_path, rng):
    means, path = torch.rand(3, 4, generator=rng, dtype=torch.float64), tmp_path / 'means.pth'
    save_class_means(path, means, torch.tensor([1, 2, 3]), MADE)
    torch.testing.assert_close(load_class_means(path, MADE)[0], means, rtol=0, atol=0)
    for key in MADE:
        with pytest.raises(ValueError, match=f'means.pth, which was made with {key} {MADE[key]} instead of x'):
            load_class_means(path, {**MADE, key: 'x'})
    torch.save({'state_dict': {}}, path)
    with pytest.raises(ValueError, match='means.pth, which is something else'):
        load_class_means(path, MADE)
    path.write_bytes(b'PK\x03\x04')
    with pytest.raises(ValueError, match='means.pth, which cannot be used'):
        load_class_means(path, MADE)
