"""Files that are being written: a temporary name, a lock while the writer lives, and removal of what a killed writer left."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ENDING = '.mmkd-partial'


def partial_of(target: Path) -> Path:
    """The name beside `target` under which this process writes it."""
    return target.with_name(f'.{target.name}.{os.getpid()}{_ENDING}')


@contextmanager
def opened_partial(path: Path) -> Iterator[IO[bytes]]:
    """`path`, empty and open to write; `remove_partial_files` leaves it alone for as long."""
    with open(path, 'wb') as file:
        _lock(file.fileno())
        yield file


def remove_partial_files(folder: str | Path) -> list[Path]:
    """Remove what killed writers left in `folder`; what another process is writing just now stays.

    Returns:
        The files that were removed.
    """
    return [path for path in sorted(Path(folder).glob(f'.*{_ENDING}')) if _removed(path)]


@contextmanager
def partial_folder(out: Path) -> Iterator[Path]:
    """A new folder beside `out`, removed at the end unless it was renamed; what killed writers left of `out` is removed first."""
    for path in sorted(out.parent.glob(f'.*_{_escaped(out.name)}')):
        if re.fullmatch(rf'\.\d+_{re.escape(out.name)}', path.name):
            _removed(path)
    partial = out.with_name(f'.{os.getpid()}_{out.name}')
    handle = None
    try:
        partial.mkdir(parents=True)
        handle = os.open(partial, os.O_RDONLY)
        _lock(handle)
        yield partial
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(partial, ignore_errors=True)


def _escaped(name: str) -> str:
    return re.sub(r'([*?[])', r'[\1]', name)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks
        pass


def _removed(path: Path) -> bool:
    """Remove a file or a folder whose writer has ended."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # its writer has just renamed it, or it belongs to another user
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # taken by a writer that lives
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
