"""Checks, before the work starts, that a work dir or an output file can be written."""

import os
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
        ValueError: It is a folder, or its folder cannot be made or written.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f'A file to write is needed, got {path}, which is a folder. {hint}')
    folder = next(parent for parent in path.absolute().parents if parent.exists() or parent.is_symlink())
    try:
        if '\0' in str(path):
            raise ValueError('a name cannot hold a null character')
        if folder == path.absolute().parent:
            with tempfile.TemporaryFile(dir=folder):
                pass
        else:  # the folder will be made
            with tempfile.TemporaryDirectory(dir=folder):
                pass
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, 'it may not be replaced')
    except (OSError, ValueError) as error:
        raise ValueError(
            f'A file that can be written is needed, got {path}: {getattr(error, "strerror", None) or error}. {hint}'
        ) from error
