"""A process that does not outlive the one that started it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


def run_bound(command: Sequence[str], **options: Any) -> int:
    """Run a command to its end and return its exit code; on Linux it is killed when this process ends, however that happens.

    Args:
        command: As for `subprocess.run`.
        options: Likewise.
    """
    bind = _bound_to(os.getpid()) if sys.platform == 'linux' else None
    return subprocess.run(command, check=False, preexec_fn=bind, **options).returncode


def _bound_to(parent: int) -> Callable[[], None]:
    library = ctypes.CDLL(None)  # loaded before the fork

    def bind() -> None:
        library.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return bind
