"""Files of `torch.save` are read as torch reads them, of both forms, and what is damaged or more than data is refused."""

import io
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from support.crafted_files import KINDS, Call, as_program, as_stream, crafted
from torch import nn

from mmkd_ext.files.torch_file import Refused, read_plain_pickle, read_torch_file

KIND = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
    torch.bool, torch.complex64, torch.complex128]


def written(value, archive=True):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=archive)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize('archive', [True, False], ids=['archive', 'stream'])
def test_tensors_of_every_kind_and_layout_are_torchs(archive):
    base = torch.arange(24).reshape(2, 3, 4)
    value = dict(
        kinds=[base.to(kind) for kind in KIND], views=[base.permute(2, 0, 1), base[:, 1:, ::2], base[0, 0, 0], base[:0]],
        rest=[torch.empty(0), torch.ones(2).expand(3, 2), torch.Size([2, 3]), torch.device('cpu'), torch.float16],
        weight=nn.Parameter(torch.ones(2)), frozen=nn.Parameter(torch.ones(2), requires_grad=False),
        state=nn.BatchNorm2d(3).state_dict(), learns=torch.ones(1, requires_grad=True))
    found, expected = read_torch_file(written(value, archive)), torch.load(written(value, archive), weights_only=True)
    for part in ('kinds', 'views'):
        for mine, theirs in zip(found[part], expected[part], strict=True):
            assert mine.dtype == theirs.dtype and mine.stride() == theirs.stride()
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    assert found['rest'][2:] == expected['rest'][2:] and found['rest'][1].tolist() == [[1, 1]] * 3
    assert isinstance(found['weight'], nn.Parameter) and found['weight'].requires_grad and not found['frozen'].requires_grad
    assert found['learns'].requires_grad and not found['kinds'][0].requires_grad
    assert list(found['state']) == list(expected['state']) and found['state']._metadata == expected['state']._metadata


@pytest.mark.parametrize('archive', [True, False], ids=['archive', 'stream'])
def test_what_shared_its_memory_shares_it_again(archive):
    base = torch.zeros(4)
    whole, part = read_torch_file(written([base, base[2:]], archive))
    part[0] = 5
    assert whole.tolist() == [0, 0, 5, 0]


def test_a_path_is_read_as_well(tmp_path):
    torch.save({'a': torch.ones(2)}, tmp_path / 'a.pth')
    assert read_torch_file(str(tmp_path / 'a.pth'))['a'].tolist() == read_torch_file(tmp_path / 'a.pth')['a'].tolist() == [1, 1]


@pytest.mark.parametrize('archive', [True, False], ids=['archive', 'stream'])
@pytest.mark.parametrize(('offset', 'size', 'stride', 'said'), [
    (0, (3,), (1,), 'in 2 bytes'), (1, (2,), (1,), 'in 2 bytes'), (0, (2,), (2,), 'in 2 bytes'), (0, (2,), (-1,), 'a tensor of size'),
    (0, (2, 1), (1,), 'a tensor of size'), (-1, (1,), (1,), 'a tensor of size')])
def test_a_tensor_beyond_its_numbers_is_refused(archive, offset, size, stride, said):
    memory = torch.zeros(2, dtype=torch.uint8).untyped_storage()
    call = Call(torch._utils._rebuild_tensor_v2, memory, offset, size, stride, False, OrderedDict())
    with pytest.raises(ValueError, match=said):
        read_torch_file(written(call, archive))


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('write', [torch.save, as_stream, as_program])
def test_what_would_execute_code_is_refused(tmp_path, kind, write):
    write({'state_dict': crafted(tmp_path / 'executed')[kind]}, tmp_path / 'a.pth')
    with pytest.raises(Refused, match='is not opened'):
        read_torch_file(tmp_path / 'a.pth')
    assert not (tmp_path / 'executed').exists()


def rewritten(**files):
    """An archive of a tensor in which some files have another content."""
    old, buffer = zipfile.ZipFile(written(torch.ones(2))), io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as new:
        for name in old.namelist():
            new.writestr(name, files.get(name.partition('/')[2].replace('/', '_'), old.read(name)))
    buffer.seek(0)
    return buffer


def test_the_other_byte_order_and_missing_numbers_are_refused():
    assert read_torch_file(rewritten()).tolist() == [1, 1]
    with pytest.raises(Refused, match='other byte order'):
        read_torch_file(rewritten(byteorder=b'big'))
    with pytest.raises(ValueError, match='4 bytes for 2 numbers'):
        read_torch_file(rewritten(data_0=b'1234'))


def test_an_archive_or_a_pickle_of_something_else_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('readme.txt', 'text')
    buffer.seek(0)
    with pytest.raises(ValueError, match='none of torch.save'):
        read_torch_file(buffer)
    with pytest.raises(ValueError, match='no file of torch.save'):
        read_torch_file(io.BytesIO(pickle.dumps({'a': 1})))


@pytest.mark.parametrize('number', [-1, 2.0, 10**12])
def test_a_stream_that_asks_for_memory_it_does_not_fill_is_refused(number):
    content = written(torch.ones(2), archive=False).getvalue()
    wanted = pickle.dumps(('storage', torch.FloatStorage, '0', 'cpu', number, None), 2)[2:-1]  # of one persistent id
    start = content.index(b'X\x07\x00\x00\x00storage') - 1
    end = content.index(b'Q', start)
    with pytest.raises(ValueError):
        read_torch_file(io.BytesIO(content[:start] + wanted + content[end:]))


def test_a_plain_pickle_may_hold_tensors():
    found = read_plain_pickle(io.BytesIO(pickle.dumps([dict(box=torch.ones(2, 4), name='a')])))
    assert found[0]['box'].shape == (2, 4) and found[0]['name'] == 'a'
    with pytest.raises(Refused, match='print'):
        read_plain_pickle(io.BytesIO(pickle.dumps([print])))
