"""The pickle reader gives what Python's own gives for data, of every protocol, and refuses what asks for more."""

import io
import os
import pickle
from collections import Counter, OrderedDict

import numpy as np
import pytest

from mmkd_ext.files.plain_pickle import Name, Refused, read_pickle

SHARED = [1]
VALUES = [
    None, True, 0, -1, 255, 65536, 2**31, -(2**100), 1.5, float('-inf'), 'é\n', '', b'\x00\xff', bytearray(b'ab'), (), (1,), (1, 2),
    (1, 2, 3), (1, 2, 3, 4), [], [[1], [2, (3,)]], {}, {'a': {1: None}, (1, 2): 'x'}, {1, 2}, frozenset({3}), 1 + 2j, slice(1, None, 2),
    OrderedDict(b=1, a=2), Counter('aab'), [SHARED, SHARED], 'x' * 300, b'y' * 300, list(range(1500))]  # fmt: skip


def read(content, makers=None, values=None, stored=None):
    return read_pickle(io.BytesIO(content), makers or {}, values or {}, stored)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_data_of_every_protocol_are_what_python_reads(protocol):
    for value in VALUES:
        found = read(pickle.dumps(value, protocol))
        assert found == value and type(found) is type(value), value
    twice = read(pickle.dumps([SHARED, SHARED], protocol))
    assert twice[0] is twice[1]
    circle = read(pickle.dumps(_circle(), protocol))
    assert circle[0] is circle


def _circle():
    found: list = []
    found.append(found)
    return found


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_protocol_are_numpys_own(protocol):
    arrays = [
        np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.zeros((0, 4), np.float32), np.array(2.5),
        np.array(['a', 'bcd']), np.array([True, False]), np.arange(10)[::3]]
    for array in arrays:
        found = read(pickle.dumps(array, protocol))
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype and found.shape == array.shape and found.flags.writeable
    assert read(pickle.dumps(np.float32(0.5), protocol)) == np.float32(0.5)


class Calls:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize(('value', 'said'), [
    (Calls(os.system, 'true'), r'\(posix\.system\)|\(nt\.system\)'),
    (Calls(eval, '1'), r'\(eval\)'),
    (Calls(getattr, [], 'append'), 'getattr'),
    (os.system, 'system'), ([{'a': (len,)}], r'\(len\)'), ({len: 1}, r'\(len\)'), ({len}, r'\(len\)'),
    (Calls(Calls, 1), 'Calls'),
    (np.array([len, 1], dtype=object), 'no plain numbers'),
])  # fmt: skip
def test_what_is_more_than_data_is_refused(value, said):
    for protocol in (0, 2, 4):
        with pytest.raises(Refused, match=said):
            read(pickle.dumps(value, protocol))


@pytest.mark.parametrize(('content', 'said'), [
    (b'I1\n}b.', 'gives a state to a int'),
    (b'I1\nI2\na.', 'appends to a int'),
    (b'I1\nI2\nI3\ns.', 'sets items of a int'),
    (b'I1\n)R.', 'calls what it has made'),
    (b'I1\nQ.', 'refers to what is not in it'),
    (b'(cos\nsystem\nVtrue\no.', 'the instruction OBJ'),
    (b'(Vtrue\nios\nsystem\n.', 'the instruction INST'),
    (b'\x80\x04K\x01K\x02\x93.', 'a name that is no text'),
])  # fmt: skip
def test_an_instruction_that_no_checkpoint_needs_is_refused(content, said):
    with pytest.raises(Refused, match=said):
        read(content)


@pytest.mark.parametrize('wrap', [b'\x85', b'K\x01\x86', b'h\x00h\x00\x86q\x00'])
def test_a_key_that_is_too_deep_to_be_hashed_does_not_end_the_process(wrap):
    with pytest.raises(Refused, match='tuples in tuples, more than 100 times'):
        read(b'\x80\x02})q\x00' + wrap * 600_000 + b'K\x01s.')


def test_a_slice_is_of_numbers():
    with pytest.raises(Refused, match='a slice without numbers'):
        read(pickle.dumps(slice(None, (1,))))


def test_several_pickles_of_a_file_are_read_one_by_one():
    file = io.BytesIO(pickle.dumps([1]) + pickle.dumps({'a': 2}) + b'rest')
    assert (read_pickle(file, {}, {}), read_pickle(file, {}, {}), file.read()) == ([1], {'a': 2}, b'rest')


def test_a_caller_adds_makers_values_and_what_is_stored_outside():
    class Stores(pickle.Pickler):
        def persistent_id(self, thing):
            return ('number', str(thing)) if type(thing) is float else None

    buffer = io.BytesIO()
    Stores(buffer, 2).dump([0.5, Calls(divmod, 7, 2), len])
    made = read(
        buffer.getvalue(), {Name('builtins', 'divmod'): lambda a, b: f'{a}/{b}'}, {Name('builtins', 'len'): 'length'},
        lambda saved: (saved, 'outside'))
    assert made == [(('number', '0.5'), 'outside'), '7/2', 'length']
