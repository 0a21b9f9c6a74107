"""The best order of a teacher's classes: a swap is found, a teacher that guesses or errs is not matched to its guesses."""

import numpy as np
import pytest

from mmkd_ext.doctor.class_order import best_order


def said(labels, share, classes, rng):
    """Right in that share, else any class."""
    return np.where(rng.random(len(labels)) < share, labels, rng.integers(classes, size=len(labels)))


@pytest.mark.parametrize('share', [0.6, 0.8, 1.0])
@pytest.mark.parametrize('classes', [3, 10])
def test_two_swapped_classes_and_a_whole_shift_are_found(share, classes):
    rng = np.random.default_rng(0)
    labels = np.arange(classes).repeat(24)
    guesses = said(labels, share, classes, rng)
    swap, shift = np.arange(classes), np.roll(np.arange(classes), 1)
    swap[[0, 2]] = 2, 0
    for order in (swap, shift):
        found = best_order(labels, order[guesses], classes)
        assert found.other and found.calls == order.tolist()
        assert found.moved == [(k, int(order[k])) for k in range(classes) if order[k] != k]
    assert not best_order(labels, guesses, classes).other


@pytest.mark.parametrize('share', [0.0, 0.2, 0.7])
@pytest.mark.parametrize(('classes', 'images'), [(2, 64), (10, 200), (100, 256), (300, 256)])
def test_a_teacher_that_guesses_has_no_order(share, classes, images):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels = rng.integers(classes, size=images)
        assert not best_order(labels, said(labels, share, classes, rng), classes).other, (seed, share)


def test_a_teacher_that_takes_one_class_for_another_is_no_swap():
    labels = np.arange(4).repeat(20)
    assert not best_order(labels, np.array([0, 0, 2, 3])[labels], 4).other
