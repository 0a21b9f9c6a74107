"""Objects that would execute code when they are unpickled, and the containers that may hold them."""

import pickle
import tarfile
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler


class Call:
    """Pickled, it is a call."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


def evaluate(marker):
    """`eval` out of nothing but getattr, and what to give it."""
    return Call(getattr, Call(getattr, getattr, '__self__'), 'eval'), f'__import__("pathlib").Path({str(marker)!r}).touch()'


def crafted(marker):
    """Name -> an object that creates `marker` where a reader is not narrow."""
    function, code = evaluate(marker)
    return {
        'a plain call': Call(Path.touch, Path(marker)),
        'eval as what rebuilds a tensor': Call(torch._tensor._rebuild_from_type_v2, function, torch.Tensor, (code,), {}),
        'a class as what rebuilds a tensor': Call(torch._tensor._rebuild_from_type_v2, Path.touch, torch.Tensor, (Path(marker),), {}),
        'a method of a buffer': Call(getattr, HistoryBuffer, '__init_subclass__'),
        'the globals of a function': Call(getattr, Call(getattr, OneCycleParamScheduler, '_annealing_cos'), '__globals__'),
        'an array of objects': np.array([Call(Path.touch, Path(marker))], dtype=object),
        'a dict with a method of its own': Call(OrderedDict, state={'items': Call(Path.touch, Path(marker))}),
    }


KINDS = list(crafted('x'))


def as_stream(thing, path):
    torch.save(thing, path, _use_new_zipfile_serialization=False)


def as_pickle(thing, path):
    path.write_bytes(pickle.dumps(thing, protocol=4))


def as_tar(thing, path):
    (path.parent / 'pickle').write_bytes(pickle.dumps(thing))
    with tarfile.open(path, 'w') as tar:
        tar.add(path.parent / 'pickle', 'pickle')


def as_program(thing, path):
    torch.save(thing, path)
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr(f'{path.stem}/constants.pkl', b'')


def as_two(thing, path):
    """Behind a harmless part, one of the same name."""
    torch.save({'state_dict': {}}, path)
    with zipfile.ZipFile(path, 'a') as archive, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of the name that is there twice
        archive.writestr(f'{path.stem}/data.pkl', pickle.dumps(thing, protocol=2))
