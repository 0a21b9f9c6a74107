"""A command in copies of this process: what is imported here need not be imported there, which takes seconds."""

import os
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer


def in_copy(main: Callable[[Sequence[str]], int], *words: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run `main(words)` in one copy, in a folder and with environment variables of its own, to its end."""
    return in_copies(main, *words, cwd=cwd, each=[variables])[0]


def started(main: Callable[[Sequence[str]], int], *words: object, cwd: Path) -> int:
    """Start `main(words)` in one copy: its process id, for a test that kills it."""
    streams = [cwd / f'{stream}_of_copy_{time.monotonic_ns()}' for stream in ('stdout', 'stderr')]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        return os.fork() or _child(main, [str(word) for word in words], cwd, {}, streams)


def in_two_ranks(main: Callable[[Sequence[str]], int], *words: object, cwd: Path, port: str) -> list[subprocess.CompletedProcess]:
    """Run `main(words)` as two processes of one job, as torch's launcher starts them."""
    both = dict(WORLD_SIZE='2', LOCAL_WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    return in_copies(main, *words, '--launcher', 'pytorch', cwd=cwd, each=[dict(both, RANK=r, LOCAL_RANK=r) for r in '01'])


def in_copies(
    main: Callable[[Sequence[str]], int], *words: object, cwd: Path, each: Sequence[dict[str, str]], seconds: float = 240,
) -> list[subprocess.CompletedProcess]:
    """Run `main(words)` in a copy for each of the environments, side by side."""
    argv = [str(word) for word in words]
    files = [[cwd / f'{stream}_of_copy_{i}_{time.monotonic_ns()}' for stream in ('stdout', 'stderr')] for i in range(len(each))]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)  # Python 3.12 warns of threads beside a fork
        copies = [os.fork() or _child(main, argv, cwd, variables, streams) for variables, streams in zip(each, files, strict=True)]
    end, codes = time.monotonic() + seconds, {}
    while len(codes) < len(copies):
        for pid in set(copies) - set(codes):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                codes[pid] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                os.kill(pid, 9)
        time.sleep(0.02)
    done = []
    for pid, streams in zip(copies, files, strict=True):
        said = [stream.read_text() for stream in streams]
        done.append(subprocess.CompletedProcess(argv, codes[pid], *said))
        for stream in streams:
            stream.unlink()
    return done


def _child(main: Callable[[Sequence[str]], int], argv: Sequence[str], cwd: Path, variables: dict[str, str], streams: Sequence[Path]) -> int:
    code = 1
    try:
        for number, stream in enumerate(streams, 1):
            os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, 'w', buffering=1, closefd=False) for number in (1, 2))
        os.chdir(cwd)
        os.environ.update(variables)
        for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):
            kind._instance_dict.clear()
        warnings.resetwarnings()
        torch.set_num_threads(1)
        code = main(argv)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # whatever it is, a copy never goes on as the process of the tests
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
