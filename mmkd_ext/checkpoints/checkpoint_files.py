"""Atomic writing and safe reading of checkpoints, and the newest one of a folder that can be read.

mmengine writes a checkpoint's bytes straight into its final file, deletes the old one before the new one is there, and
reads by executing whatever the file holds when torch's safe reader refuses it. Here: a file backend that replaces
atomically, and a reader that never executes and checks every byte.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

from mmkd_ext.files.partial_files import opened_partial, partial_of
from mmkd_ext.files.partial_files import remove_partial_files as remove_partial_files  # part of what this module offers
from mmkd_ext.files.plain_objects import Refused
from mmkd_ext.files.torch_file import read_torch_file

from .weights import weights_of

_doomed: set[str] = set()  # removals that wait for the next whole file; shared, since mmengine makes a backend per call


@register_backend('mmkd_ext.atomic', force=True)
class AtomicBackend(LocalBackend):
    """Local disk where a file appears whole or not at all: `backend_args=dict(backend='mmkd_ext.atomic')`.

    `put` writes a neighbour, flushes it to the disk and renames it. `remove` waits until the next `put` has ended,
    because mmengine removes the old checkpoint first: killed between the two, it would be left with one less (with
    `max_keep_ckpts=1`, with none).

    Example:
        In a config: `default_hooks = dict(checkpoint=dict(type='CheckpointHook', backend_args=dict(backend='mmkd_ext.atomic')))`.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     AtomicBackend().put(b'weights', Path(folder, 'epoch_1.pth'))
        ...     os.listdir(folder)
        ['epoch_1.pth']
    """

    def put(self, obj: bytes | memoryview, filepath: str | Path) -> None:
        """Write `obj` to `filepath` whole, then do the removals that waited for it.

        Raises:
            ValueError: It cannot be written.
        """
        target = Path(filepath)
        partial = partial_of(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened_partial(partial) as file:
                self.write_through(file, obj, target)
                os.replace(partial, target)
        except BaseException as error:
            if partial.exists():
                partial.unlink()
            if not isinstance(error, OSError):
                raise
            raise ValueError(f'A file that can be written is needed, got {target}: {error.strerror or error}.') from error
        _sync_folder(target.parent)
        _doomed.discard(str(target))
        while _doomed:
            Path(_doomed.pop()).unlink(missing_ok=True)

    @staticmethod
    def write_through(file: IO[bytes], content: bytes | memoryview, target: Path) -> None:
        """Write to the disk itself; `target` is the name for the sentence.

        Raises:
            ValueError: The disk is full, or the file may not be so large.
        """
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise ValueError(
                f'A disk with room for {len(content) / 1e6:.1f} MB is needed to write {target}, got: {error.strerror or error}. '
                'What was there before is whole; free some room, or write to another disk.'
            ) from error

    def remove(self, filepath: str | Path) -> None:
        """Remove `filepath` once another file has been written whole."""
        if not Path(filepath).is_file():
            raise FileNotFoundError(f'AtomicBackend.remove needs a file, got {filepath}, which is not one.')
        _doomed.add(str(filepath))


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_checkpoint(path: str | Path, needs: Sequence[str] = ()) -> dict[str, Any]:
    """Read a checkpoint onto the CPU without executing code, and check it byte by byte.

    torch itself skips the archive's checksums, so a flipped bit in a weight would go unseen.

    Args:
        path: A file written by `torch.save`.
        needs: Keys that it must hold, of dicts.

    Raises:
        ValueError: Missing, cut short, corrupt, holding Python objects, or without one of the keys.

    Example:
        >>> import torch
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save(dict(state_dict=dict(weight=torch.zeros(2))), Path(folder, 'epoch_1.pth'))
        ...     read_checkpoint(Path(folder, 'epoch_1.pth'), needs=['state_dict'])
        {'state_dict': {'weight': tensor([0., 0.])}}
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f'A checkpoint file is needed, got {path}, which is a folder: name a file in it{_files_in(path)}.')
    if not path.is_file():
        raise ValueError(f'A checkpoint file is needed, got {path}, which is not there.')
    return checkpoint_in(path, path, needs)


def checkpoint_in(source: Path | BinaryIO, path: str | Path, needs: Sequence[str] = ()) -> dict[str, Any]:
    """Like `read_checkpoint`, for an existing file or bytes; `path` names them in the error."""
    try:
        checkpoint = read_torch_file(source)
    except Exception as error:  # whatever a damaged file raises, it is unreadable
        raise ValueError(
            f'A whole checkpoint is needed, got {path}, which cannot be used: {_reason(error)}.'
        ) from error
    missing = [
        key for key in needs if not isinstance(checkpoint, dict) or key not in checkpoint
        or (key != 'state_dict' and not isinstance(checkpoint[key], Mapping))]  # of the weights `weights_of` says more
    if missing or not isinstance(checkpoint, dict):
        what = f'a dict with {", ".join(missing)}' if missing else 'a dict of weights'
        held = type(checkpoint).__name__
        if isinstance(checkpoint, dict):
            held = ', '.join(f'{key} ({type(value).__name__})' for key, value in list(checkpoint.items())[:5])
        raise ValueError(f'A checkpoint that is {what} is needed, got {path}, which holds: {held or "nothing"}.')
    return checkpoint


def _reason(error: Exception) -> str:
    """The reason of an error, in words that do not need torch's source."""
    if isinstance(error, Refused):
        return str(error)
    text = ' '.join(str(error).split())
    if 'Bad CRC-32' in text:
        return f'its part {text.split("file ")[-1]} does not match its checksum (the file is corrupt)'
    return f'it is cut short or is no checkpoint at all ({type(error).__name__})'


def _files_in(folder: Path) -> str:
    newest = max(folder.glob('*.pth'), key=lambda path: path.stat().st_mtime, default=None)
    return f', such as {newest.name}' if newest else ''


def checkpoints_newest_first(
    work_dir: str | Path, templates: Sequence[str] = ('epoch_{}.pth', 'iter_{}.pth')
) -> list[Path]:
    """The files of a folder that are named by one of the templates and a number, the latest first."""
    numbered = [re.compile(r'(\d+)'.join(map(re.escape, re.split(r'\{[^}]*\}', each)))) for each in templates]
    found = [
        (which, int(match.group(1)), path)
        for path in Path(work_dir).glob('*')
        for which, pattern in enumerate(numbered)
        if (match := pattern.fullmatch(path.name))
    ]
    if len({which for which, _, _ in found}) > 1:  # epochs and iterations cannot be compared by number
        return sorted((path for _, _, path in found), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path for _, _, path in sorted(found, reverse=True)]


def newest_readable_checkpoint(
    work_dir: str | Path, belongs: Callable[[dict[str, Any]], bool] = lambda checkpoint: True
) -> Path | None:
    """The newest checkpoint of a run that can be resumed from, whatever `last_checkpoint` says.

    Args:
        work_dir: Its folder.
        belongs: Whether a checkpoint is of the run that is asked for.

    Each one that cannot be read is reported in one sentence. None when there is none.
    """
    problems = []
    found = None
    for path in checkpoints_newest_first(work_dir):
        try:
            checkpoint = read_checkpoint(path, needs=('state_dict', 'meta', 'message_hub'))
            weights_of(checkpoint, str(path))
        except ValueError as error:
            problems.append(str(error))
            continue
        if not belongs(checkpoint):
            continue
        found = path
        break
    for problem in problems:
        print_log(f'{problem} {f"Using {found} instead." if found else "None is left."}', 'current', logging.WARNING)
    return found
