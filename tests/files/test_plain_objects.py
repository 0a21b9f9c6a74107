"""The table of what a pickle may make: right values for data, one sentence for everything else."""

import argparse
from collections import OrderedDict

import numpy as np
import pytest
from mmengine.logging import HistoryBuffer

from mmkd_ext.files.plain_objects import PLAIN, STATES, Name, Refused, refused

DTYPE, GETATTR = PLAIN[Name('numpy', 'dtype')], PLAIN[Name('builtins', 'getattr')]
ARRAY, SCALAR = (PLAIN[Name('numpy._core.multiarray', name)] for name in ('_reconstruct', 'scalar'))
BYTES, ENCODE = PLAIN[Name('builtins', 'bytes')], PLAIN[Name('_codecs', 'encode')]


@pytest.mark.parametrize(('name', 'said'), [(Name('builtins', 'eval'), r'\(eval\)'), (Name('os', 'system'), r'\(os\.system\)')])
def test_the_sentence_names_the_object(name, said):
    with pytest.raises(Refused, match=f'it holds a Python object {said} that could execute code, and is not opened'):
        raise refused(name)


@pytest.mark.parametrize('text', ['f4', '<f8', '|b1', 'i2', 'u1', 'c16', '?', 'S3', '<U12', b'i8'])
def test_number_formats_are_numpys(text):
    assert DTYPE(text, False, True) == np.dtype(text.decode() if isinstance(text, bytes) else text)


@pytest.mark.parametrize('text', ['O', '|O8', '>f4', 'V8', 'f4,f4', 'M8[s]', 'datetime64', '', 5, None])
def test_a_format_of_no_plain_numbers_is_refused(text):
    with pytest.raises(Refused, match='no plain numbers'):
        DTYPE(text)


def test_an_array_is_filled_from_bytes_in_either_order_of_its_axes():
    expected = np.arange(6, dtype='<i2').reshape(2, 3)
    for fortran in (False, True):
        made = ARRAY(Name('numpy', 'ndarray'), (0,), b'b')
        STATES[np.ndarray](made, (1, (2, 3), np.dtype('<i2'), fortran, expected.tobytes('F' if fortran else 'C')))
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize('state', [(1, (1,), 'i2', False, b'ab'), (1, (1,), np.dtype('i2'), False, [1])])
def test_an_array_of_other_parts_is_refused(state):
    with pytest.raises(Refused, match='no plain numbers'):
        STATES[np.ndarray](np.empty(0), state)


@pytest.mark.parametrize('parts', [('ab', np.dtype('i2'), (1,)), (b'ab', 'i2', (1,)), (b'ab', np.dtype('i2'), (1,), 'K')])
def test_an_array_of_the_fifth_protocol_of_other_parts_is_refused(parts):
    with pytest.raises(Refused, match='no plain numbers'):
        PLAIN[Name('numpy._core.numeric', '_frombuffer')](*parts)


@pytest.mark.parametrize(('kind', 'said'), [(Name('os', 'system'), r'os\.system'), (np.ndarray, 'unknown kind')])
def test_an_array_of_another_class_is_refused(kind, said):
    with pytest.raises(Refused, match=said):
        ARRAY(kind, (0,), b'b')


def test_a_number_has_as_many_bytes_as_its_format():
    assert SCALAR(np.dtype('<f8'), np.float64(2.5).tobytes()) == 2.5
    for kind, raw in ((np.dtype('<f8'), b'1234'), ('f8', b'12345678'), (np.dtype('<f8'), 2.5)):
        with pytest.raises(Refused, match='a number that is none'):
            SCALAR(kind, raw)


@pytest.mark.parametrize(('order', 'fields'), [('>', None), ('<', {'a': 1})])
def test_a_format_of_fields_or_of_the_other_byte_order_is_refused(order, fields):
    kind = np.dtype('<f4')
    STATES[type(kind)](kind, (3, '<', None, None, None, -1, -1, 0))
    with pytest.raises(Refused, match='byte order'):
        STATES[type(kind)](kind, (3, order, None, None, fields, -1, -1, 0))


def test_getattr_reaches_no_object():
    assert GETATTR(Name('a', 'B'), 'c') == Name('a', 'B.c')  # a label, which nothing calls
    for owner, name in ((str, 'join'), (Name('a', 'B'), 5)):
        with pytest.raises(Refused, match='getattr'):
            GETATTR(owner, name)


def test_bytes_of_old_protocols_are_latin_and_nothing_else():
    assert ENCODE('é', 'latin1') == BYTES('é', 'latin-1') == b'\xe9' and BYTES([1, 2]) == b'\x01\x02' and BYTES() == b''
    for wrong in (('a', 'rot13'), (5, 'latin1')):
        with pytest.raises(Refused, match='unknown form'):
            ENCODE(*wrong)


def test_a_state_hides_no_method():
    made = OrderedDict(a=1)
    STATES[OrderedDict](made, {'items': 5, '_metadata': {'': {'version': 2}}})
    assert list(made.items()) == [('a', 1)] and made._metadata == {'': {'version': 2}}
    space = argparse.Namespace()
    STATES[argparse.Namespace](space, {'lr': 0.1, '__class__': int, 5: 1})
    assert vars(space) == {'lr': 0.1}
    history = HistoryBuffer()
    STATES[HistoryBuffer](history, {
        '_log_history': [1.0, 7.0], '_count_history': [1, 3], 'max_length': 10, '_statistics_methods': {'mean': print}})
    assert history.mean() == 2.0  # sums and counts, by its class's own method


def test_what_fills_missing_keys_is_left_out():
    assert PLAIN[Name('collections', 'defaultdict')](Name('builtins', 'list')) == {}
    assert PLAIN[Name('collections', 'Counter')]({'a': 2})['b'] == 0
