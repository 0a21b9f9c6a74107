"""Writing a folder whole or not at all, for the tools that make data sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmkd_ext.errors import PreflightError

from .partial_files import partial_folder


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into, which takes its name at the end; what fails before leaves nothing behind.

    Args:
        out: A folder that is empty or not there.

    Raises:
        PreflightError: It cannot be written.
    """
    try:
        with partial_folder(out) as partial:
            yield partial
            if out.is_dir():
                out.rmdir()  # empty
            partial.rename(out)
    except OSError as error:
        raise PreflightError(f'A folder that can be written is needed, got {out}: {error}. Name another as OUT.') from error
