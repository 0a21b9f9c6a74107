"""Checks, before the work starts, that a work dir or an output file can be written."""

import os
import stat
import tempfile
from pathlib import Path
from typing import Any


def check_work_dir(path: Any, hint: str = 'Name another by --work-dir.') -> None:
    """Create the folder and write into it.

    Raises:
        ValueError: It cannot be made or written.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except (OSError, TypeError, ValueError) as error:  # the last two for what is no path
        raise ValueError(
            f'A work dir that can be written is needed, got {path}: {getattr(error, "strerror", None) or error}. {hint}'
        ) from error


def check_output(path: str | Path, hint: str) -> None:
    """Whether a file can be written at `path`, whose folder may have to be made; nothing is left behind.

    Args:
        path: The file.
        hint: Where to look, the last words of the sentence.

    Raises:
        ValueError: It is a folder, a device, a pipe or a link to nowhere, or its folder cannot be made or written.
    """
    path = Path(path)
    try:
        in_the_way = _in_the_way(path)
        if in_the_way is None:
            _try_folder(path.absolute().parent)
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(13, 'it may not be replaced')
    except (OSError, ValueError) as error:
        raise ValueError(
            f'A file that can be written is needed, got {path}: {getattr(error, "strerror", None) or error}. {hint}'
        ) from error
    if in_the_way is not None:
        raise ValueError(f'A file to write is needed, got {path}, which is {in_the_way}. {hint}')


def check_folder(path: str | Path, hint: str) -> None:
    """Whether files can be written into a folder, which may have to be made; nothing is left behind.

    Raises:
        ValueError: They cannot.
    """
    try:
        _try_folder(Path(path).absolute())
    except (OSError, ValueError) as error:  # the latter for a null character
        raise ValueError(
            f'A folder that can be written is needed, got {path}: {getattr(error, "strerror", None) or error}. {hint}') from error


def _in_the_way(path: Path) -> str | None:
    """What stands in a file's place and cannot be written or replaced as one."""
    if path.is_dir():
        return 'a folder'
    try:
        mode = path.stat().st_mode
        own_link = path.is_symlink() and path.absolute().parent != Path('/dev')  # which may be replaced, as /dev/null may not
        return None if stat.S_ISREG(mode) or (own_link and stat.S_ISCHR(mode)) else 'a device or a pipe'
    except FileNotFoundError:
        target = Path(os.path.realpath(path))
        return f'a link into {target.parent}, which is not there' if path.is_symlink() and not target.parent.is_dir() else None


def _try_folder(folder: Path) -> None:
    """Write into a folder, or into the nearest one above it that is there."""
    if '\0' in str(folder):  # which `exists` answers with no
        raise ValueError('a name cannot hold a null character')
    there = next(each for each in (folder, *folder.parents) if each.exists() or each.is_symlink())
    with tempfile.TemporaryFile(dir=there) if there == folder else tempfile.TemporaryDirectory(dir=there):
        pass
