"""The expected calibration error against a loop over images, and in limiting cases."""

import numpy as np
import pytest

from mmkd_ext.report.calibration import reliability


def naive_ece(scores, labels, bins):
    total = 0.0
    for b in range(bins):
        inside = [(max(s), int(np.argmax(s) == y)) for s, y in zip(scores, labels, strict=True) if b / bins < max(s) <= (b + 1) / bins]
        if inside:
            confidence, accuracy = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            total += len(inside) / len(labels) * abs(confidence - accuracy)
    return total


@pytest.mark.parametrize('bins', [1, 7, 15])
def test_the_error_is_that_of_a_loop(bins):
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.full(4, 0.5), 200)
    labels = rng.integers(0, 4, 200)
    found = reliability(scores, labels, bins)
    assert found.ece == pytest.approx(naive_ece(scores.tolist(), labels, bins), rel=1e-9)
    assert found.counts.sum() == 200 and len(found.counts) == bins


def test_a_network_that_is_sure_and_right_has_none_and_one_that_is_sure_and_wrong_has_all():
    scores = np.eye(3)[[0, 1, 2, 2]]
    assert reliability(scores, np.array([0, 1, 2, 2])).ece == 0.0
    assert reliability(scores, np.array([1, 2, 0, 0])).ece == 1.0
    bins = reliability(scores, np.array([0, 1, 2, 2]))
    assert bins.counts[-1] == 4 and np.isnan(bins.accuracy[:-1]).all()


@pytest.mark.parametrize(('scores', 'labels'), [
    (np.zeros((0, 3)), np.zeros(0)), (np.ones(3), np.zeros(3)), (np.ones((2, 3)), np.zeros(3)), (np.full((2, 3), 7.0), np.zeros(2)),
    (np.full((2, 3), np.nan), np.zeros(2))])
def test_what_is_no_probability_is_refused(scores, labels):
    with pytest.raises(ValueError, match='reliability needs'):
        reliability(scores, labels)
