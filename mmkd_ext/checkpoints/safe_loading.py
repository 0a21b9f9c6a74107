"""Safe mode for a whole process: torch.load and mmengine.load execute nothing that a file holds, whichever library calls them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.fileio import register_handler
from mmengine.fileio.handlers import PickleHandler
from mmengine.fileio.handlers.registry_utils import file_handlers

import mmkd_ext.checkpoints.mmengine_loaders  # noqa: F401  # mmengine's checkpoint loaders, from the import on
from mmkd_ext.files.plain_objects import Refused
from mmkd_ext.files.torch_file import read_plain_pickle

# torch's own switches: the first outdoes `weights_only=False` in any library, and the second may not stand beside it
_SWITCHES = {'TORCH_FORCE_WEIGHTS_ONLY_LOAD': '1', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD': '0'}
_PICKLES = ('pkl', 'pickle')


class DataPickleHandler(PickleHandler):
    """mmengine's files that end in `.pkl`, such as annotations, read as data; written as ever."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Read numbers, text, containers, arrays and tensors; anything else is refused."""
        try:
            return read_plain_pickle(file)
        except Refused as error:
            raise ValueError(
                f'A pickle that holds data is needed, got {getattr(file, "name", "one")}, which cannot be used: {error}.'
            ) from error


@contextmanager
def files_are_data() -> Iterator[None]:
    """Inside, `torch.load` reads weights only and `mmengine.load` reads pickles as data; processes that are started inherit the former."""
    handlers = {ending: file_handlers[ending] for ending in _PICKLES}
    kept = {name: os.environ.get(name) for name in _SWITCHES}
    register_handler(list(_PICKLES))(DataPickleHandler)
    os.environ.update(_SWITCHES)
    try:
        yield
    finally:
        file_handlers.update(handlers)
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
