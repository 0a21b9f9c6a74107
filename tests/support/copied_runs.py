"""The trainings of a study and of the demonstration in copies of this process, for tests of what is made of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from mmkd_ext.commands import train
from mmkd_ext.evaluation import study_runs

from .copies import in_copy


@contextmanager
def trainings_in_copies() -> Iterator[None]:
    """Instead of new interpreters, which take seconds each; test_study has one of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_runs, 'run_bound', run_in_a_copy)
        patch.setattr(study_runs, 'ThreadPoolExecutor', _OneAfterTheOther)
        yield


class _OneAfterTheOther(Executor):
    """In the thread of the test: a copy of a process has only the thread that made it, and locks of the others stay locked."""

    def __init__(self, jobs: int) -> None:
        assert jobs == 1

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        done: Future = Future()
        done.set_result(function(*args, **kwargs))
        return done


def run_in_a_copy(command: Sequence[str], stdout: IO[str] | None = None, **_: object) -> int:
    """For `run_bound` of a training."""
    python, *words = command
    assert python == sys.executable and words[:3] == ['-u', '-m', 'mmkd_ext.commands.train']
    ended = in_copy(train.main, *words[3:], cwd=Path.cwd())
    print(ended.stdout + ended.stderr, end='', file=stdout or sys.stdout)
    return ended.returncode
