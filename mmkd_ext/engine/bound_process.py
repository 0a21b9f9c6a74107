"""Running a child process that ends with its parent."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


_WATCHED = 'MMKD_PARENT'  # the process id that a command watches, where the system does not


def run_bound(command: Sequence[str], **options: Any) -> int:
    """Run a command to its end and return its exit code; it is killed when this process ends, however that happens.

    On Linux by the kernel. Elsewhere the command has to call `end_with_parent`, as our command lines do, and ends a second later.

    Args:
        command: As for `subprocess.run`.
        options: Likewise.
    """
    if sys.platform == 'linux':
        return subprocess.run(command, check=False, preexec_fn=_bound_to(os.getpid()), **options).returncode
    environment = {**options.pop('env', os.environ), _WATCHED: str(os.getpid())}
    return subprocess.run(command, check=False, env=environment, **options).returncode


def end_with_parent(seconds: float = 1.0) -> None:
    """Watch the process that `run_bound` named, if any, and end this one at once when it has ended."""
    parent = os.environ.pop(_WATCHED, None)  # not for processes that this one starts
    if parent is not None:
        threading.Thread(target=_watch, args=(int(parent), seconds), daemon=True).start()


def _watch(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(seconds)
    os._exit(1)


def _bound_to(parent: int) -> Callable[[], None]:
    library = ctypes.CDLL(None)  # loaded before the fork

    def bind() -> None:
        library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return bind
