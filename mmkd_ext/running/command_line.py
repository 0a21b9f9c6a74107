"""Running a command line so that its errors end in one sentence and exit code 2."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mmengine.dist import get_dist_info

from mmkd_ext.checkpoints.safe_loading import files_are_data
from mmkd_ext.engine.bound_process import end_with_parent
from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.out_of_memory import out_of_memory
from mmkd_ext.explain.sentences import full_disk, sentence


def run_checked(job: Callable[[], object]) -> int:
    """Run a command line's work; an error that can be explained ends in one sentence on stderr instead of a traceback.

    `MMKD_TRACEBACK=1` shows every traceback.

    Returns:
        The exit code, 0 or 2 after an explained error. Other errors are raised as they are.
    """
    end_with_parent()
    try:
        with files_are_data(), full_disk_ends_logs():
            job()
    except Exception as error:
        text = str(error) if isinstance(error, PreflightError) else out_of_memory(error) or sentence(error)
        if text is None or os.environ.get('MMKD_TRACEBACK') == '1':
            raise
        rank = int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', get_dist_info()[0])))
        if rank > 0:
            # Most errors happen on every rank. The launcher ends the others once rank 0 has spoken and left; only an
            # error that rank 0 does not have gets past this wait.
            _wait(10)
            text = f'[rank {rank}] {text}'
        print(f'error: {text}', file=sys.stderr, flush=True)
        return 2
    return 0


@contextmanager
def full_disk_ends_logs() -> Iterator[None]:
    """Raise what a full disk makes of a line of a log, in place of a traceback on stderr for every line."""
    before = logging.FileHandler.handleError

    def handle(handler: logging.FileHandler, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if error is not None and full_disk(error):
            raise error
        before(handler, record)

    logging.FileHandler.handleError = handle  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        logging.FileHandler.handleError = before  # type: ignore[method-assign]


def _wait(seconds: float) -> None:
    time.sleep(seconds)
