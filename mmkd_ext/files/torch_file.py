"""A reader of `torch.save` files that executes nothing: the zip archive, and the stream of before torch 1.6, both onto the CPU."""

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from torch import Tensor, nn

from .plain_pickle import Makers, Name, Refused, read_pickle, refused

_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the stream
_KINDS = {
    'DoubleStorage': torch.float64, 'FloatStorage': torch.float32, 'HalfStorage': torch.float16, 'BFloat16Storage': torch.bfloat16,
    'LongStorage': torch.int64, 'IntStorage': torch.int32, 'ShortStorage': torch.int16, 'CharStorage': torch.int8,
    'ByteStorage': torch.uint8, 'BoolStorage': torch.bool, 'ComplexDoubleStorage': torch.complex128,
    'ComplexFloatStorage': torch.complex64, 'UntypedStorage': torch.uint8,
}  # fmt: skip
_STORAGES = {
    Name(module, name): kind for module in ('torch', 'torch.cuda', 'torch.storage') for name, kind in _KINDS.items()
}


class _Storage(NamedTuple):
    """Numbers that tensors are made of."""

    memory: torch.UntypedStorage
    kind: torch.dtype


def read_torch_file(source: str | Path | BinaryIO) -> Any:
    """Read what `torch.save` wrote, without executing anything and with every checksum compared.

    Raises:
        Refused: It holds more than data; the text continues 'cannot be used: '.
        Exception: Whatever a damaged file leads to.
    """
    with open(source, 'rb') if isinstance(source, str | Path) else io.BytesIO(source.read()) as file:
        return _read_archive(file) if zipfile.is_zipfile(file) else _read_stream(file)


def read_plain_pickle(file: BinaryIO) -> Any:
    """Read a pickle of Python's own, such as a file of annotations, with tensors in it or without.

    Raises:
        Refused: It holds more than data.
    """
    return read_pickle(file, {**_MAKERS, Name('torch.storage', '_load_from_bytes'): _from_bytes}, _VALUES)


def _from_bytes(content: Any) -> Any:
    return read_torch_file(io.BytesIO(bytes(content)))


def _read_archive(file: BinaryIO) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        roots = [name.removesuffix('/data.pkl') for name in names if name.count('/') == 1 and name.endswith('/data.pkl')]
        if len(roots) != 1:
            raise ValueError('an archive that is none of torch.save')
        root = roots[0]
        if f'{root}/constants.pkl' in names:
            raise Refused('it holds a program (TorchScript), and is not opened')
        if f'{root}/byteorder' in names and archive.read(f'{root}/byteorder') != b'little':
            raise Refused('its numbers are in the other byte order')
        found: dict[str, _Storage] = {}

        def stored(saved: Any) -> _Storage:
            kind, key, number = _checked(saved)
            if key not in found:
                content = archive.read(f'{root}/data/{key}')
                if len(content) != number * kind.itemsize:
                    raise ValueError(f'{len(content)} bytes for {number} numbers')
                memory = torch.frombuffer(bytearray(content), dtype=torch.uint8).untyped_storage() if content else torch.UntypedStorage(0)
                found[key] = _Storage(memory, kind)
            return found[key]._replace(kind=kind)

        return read_pickle(io.BytesIO(archive.read(f'{root}/data.pkl')), _MAKERS, _VALUES, stored)


def _read_stream(file: BinaryIO) -> Any:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if read_pickle(file, {}, {}) != _MAGIC:
        raise ValueError('no file of torch.save')
    version, system = read_pickle(file, {}, {}), read_pickle(file, {}, {})
    if version != 1001 or not system.get('little_endian', True):
        raise Refused(f'it is of version {version} or of the other byte order')
    found: dict[str, _Storage] = {}

    def stored(saved: Any) -> _Storage:
        kind, key, number = _checked(saved)
        if key not in found:
            if number * kind.itemsize > size:
                raise ValueError(f'{number} numbers in {size} bytes')
            found[key] = _Storage(torch.UntypedStorage(number * kind.itemsize), kind)
        return found[key]._replace(kind=kind)

    content = read_pickle(file, _MAKERS, _VALUES, stored)
    keys = read_pickle(file, {}, {})
    if sorted(keys) != sorted(found):
        raise ValueError('storages that are not those of the tensors')
    for key in keys:
        (number,) = struct.unpack('<q', file.read(8))
        memory, kind = found[key]
        raw = file.read(number * kind.itemsize)
        if len(raw) != memory.nbytes() or number < 0:
            raise ValueError(f'{len(raw)} bytes for {memory.nbytes()}')
        if raw:
            memory.copy_(torch.frombuffer(bytearray(raw), dtype=torch.uint8).untyped_storage())
    return content


def _checked(saved: Any) -> tuple[torch.dtype, str, int]:
    """Number format, key and number of numbers of what a file says that it has stored."""
    what, kind, key, _, number, *view = saved
    if what not in ('storage', b'storage') or kind not in _STORAGES or not isinstance(key, str) or any(view):
        raise Refused('it refers to what is no plain storage of numbers, and is not opened')
    if not isinstance(number, int) or number < 0:
        raise ValueError(f'{number} numbers')
    return _STORAGES[kind], key, number


def _tensor(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, hooks: Any = None, metadata: Any = None
) -> Tensor:
    if not isinstance(storage, _Storage):
        raise Refused('it holds a tensor without numbers, and is not opened')
    counts = [offset, *size, *stride]
    if len(size) != len(stride) or not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError(f'a tensor of size {size}')
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and (last + 1) * storage.kind.itemsize > storage.memory.nbytes():
        raise ValueError(f'a tensor of size {size} in {storage.memory.nbytes()} bytes')
    tensor = torch.empty(0, dtype=storage.kind)
    if 0 in size:
        return tensor.reshape(tuple(size))
    tensor.set_(storage.memory, offset, tuple(size), tuple(stride))
    return tensor.requires_grad_(bool(requires_grad)) if storage.kind.is_floating_point else tensor


def _tensor_of_kind(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, kind: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(kind, torch.dtype) or not isinstance(storage, _Storage):
        raise Refused('it holds a tensor of an unknown kind, and is not opened')
    return _tensor(storage._replace(kind=kind), offset, size, stride, requires_grad)


def _parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> nn.Parameter:
    if not isinstance(data, Tensor):
        raise Refused('it holds a parameter that is no tensor, and is not opened')
    return nn.Parameter(data.detach(), bool(requires_grad) and data.is_floating_point())


def _with_attributes(maker: Any, kind: Any, arguments: Sequence[Any], attributes: Any) -> Tensor:
    """A tensor that had attributes of its own, which are left out."""
    if maker not in _TENSORS or kind not in (Name('torch', 'Tensor'), Name('torch.nn.parameter', 'Parameter')):
        raise refused(next((each for each in (maker, kind) if isinstance(each, Name) and each not in _TENSORS), _ATTRIBUTES))
    return _TENSORS[maker](*arguments)


def _size(numbers: Any = ()) -> torch.Size:
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError(f'a size of {numbers}')
    return torch.Size(numbers)


def _device(kind: Any, index: Any = None) -> torch.device:
    return torch.device(str(kind)) if index is None else torch.device(str(kind), int(index))


_ATTRIBUTES = Name('torch._tensor', '_rebuild_from_type_v2')
_TENSORS: dict[Name, Callable[..., Tensor]] = {
    Name('torch._utils', '_rebuild_tensor'): _tensor,
    Name('torch._utils', '_rebuild_tensor_v2'): _tensor,
    Name('torch._utils', '_rebuild_tensor_v3'): _tensor_of_kind,
    Name('torch._utils', '_rebuild_parameter'): _parameter,
    Name('torch._utils', '_rebuild_parameter_with_state'): _parameter,
}
_MAKERS: Makers = {
    **_TENSORS,
    _ATTRIBUTES: _with_attributes,
    Name('torch', 'Size'): _size,
    Name('torch', 'device'): _device,
}
_VALUES = {
    **{Name('torch', name): kind for name, kind in vars(torch).items() if isinstance(kind, torch.dtype)},
    # What mmengine's one-cycle schedules write: arithmetic that mmengine calls when it resumes, and nothing here does.
    **{
        Name(OneCycleParamScheduler.__module__, f'OneCycleParamScheduler.{name}'): getattr(OneCycleParamScheduler, name)
        for name in ('_annealing_cos', '_annealing_linear')
    },
}
