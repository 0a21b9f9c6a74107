"""Counts of what is called what, against scikit-learn's."""

import numpy as np
from sklearn import metrics

from mmkd_ext.report.confusion import commonest_mistakes, confusion_matrix


def test_the_matrix_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels, called = rng.integers(0, 5, (2, 300))
    np.testing.assert_array_equal(
        confusion_matrix(labels, called, 6), metrics.confusion_matrix(labels, called, labels=range(6)))


def test_the_commonest_mistakes_come_first_and_right_ones_are_none():
    matrix = np.array([[9, 1, 0], [4, 2, 0], [0, 3, 0]])
    assert [tuple(each) for each in commonest_mistakes(matrix)] == [(1, 0, 4, 6), (2, 1, 3, 3), (0, 1, 1, 10)]
    assert [tuple(each) for each in commonest_mistakes(matrix, 1)] == [(1, 0, 4, 6)] and commonest_mistakes(np.eye(2, dtype=int)) == []
