"""Rows and their table."""

import pytest

from mmkd_ext.doctor.rows import Row, some, table, worst


def test_the_table_counts_each_status():
    assert table([Row('OK', 'a', 'x.'), Row('WRONG', 'bc', 'y.')]).splitlines() == [
        'OK     a   x.', 'WRONG  bc  y.', '1 OK, 0 LOOK, 1 WRONG']


@pytest.mark.parametrize(('given', 'found'), [([], 'OK'), (['LOOK', 'OK'], 'LOOK'), (['WRONG', 'LOOK'], 'WRONG')])
def test_the_worst(given, found):
    assert worst(given) == found and some([1, 2, 3, 4], 2) == '1, 2, ...'
