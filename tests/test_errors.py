"""Checks of arguments: what is taken, and the sentence for what is not."""

from fractions import Fraction

import numpy as np
import pytest

from mmkd_ext.errors import PreflightError, check_numbers, check_whole, check_wholes


def test_a_run_that_cannot_work_is_a_value_error():
    assert issubclass(PreflightError, ValueError)


@pytest.mark.parametrize('value', [0, 0.5, 3, np.float32(2.0), np.int64(1), Fraction(1, 3)])
def test_numbers_from_the_least_on_are_taken(value):
    check_numbers('KDLoss', loss_weight=value)


@pytest.mark.parametrize('value', [-1e-9, float('inf'), float('nan'), True, '1', None, [1.0], 1j, np.array([1.0])])
def test_what_is_no_finite_number_from_the_least_on_is_named(value):
    with pytest.raises(ValueError, match='KDLoss needs tau to be a finite number >= 0, got '):
        check_numbers('KDLoss', loss_weight=1, tau=value)


def test_the_upper_bound_is_excluded_and_the_lower_one_is_not():
    check_numbers('NDLoss', 0, 1, dropout=0.0)
    check_numbers('NDLoss', -2, 1, dropout=-2)
    for value in (1, 1.5, -0.1):
        with pytest.raises(ValueError, match=f'NDLoss needs dropout to be a finite number >= 0 and < 1, got {value}'):
            check_numbers('NDLoss', 0, 1, dropout=value)


def test_whole_numbers_and_none_are_taken_and_others_named():
    check_whole('Hook', interval=1, epochs=None, iters=np.int32(5))
    check_whole('Hook', None, interval=-3)
    for value in (0, 1.0, True, '3', [1]):
        with pytest.raises(ValueError, match=r'Hook needs interval to be a whole number >= 1, got '):
            check_whole('Hook', interval=value)
    with pytest.raises(ValueError, match='Hook needs interval to be a whole number, got 0.5'):
        check_whole('Hook', None, interval=0.5)


def test_lists_of_whole_numbers_are_taken_and_others_named():
    check_wholes('Loss', student_stages=[0, -1], teacher_stages=None)
    check_wholes('Loss', 0, student_stages=(), teacher_stages=(2, 0))
    for value in ('12', 5, [1.0], [True], {1: 2}, [-1]):
        with pytest.raises(ValueError, match='Loss needs student_stages to be a list of whole numbers >= 0, got '):
            check_wholes('Loss', 0, student_stages=value)
