"""Processes that take turns: each trains a block of iterations, then waits while the others do."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any

import mmkd_ext
from mmkd_ext.errors import PreflightError

from .loops import LOOPS
from .ours import config_text
from .pairs import PAIRS

# Ours as its configs are, and with one more key; in bfloat16 the teacher is so anyway.
OURS: dict[str, dict[str, Any]] = {'ours': {}, 'ours, compiled': dict(compiled=True), 'ours, bf16 teacher': dict(half_teacher=True)}
_TRAIN = 'import sys; from mmkd_ext.commands.train import main; sys.exit(main())'  # what tools/train.py does


@dataclass
class Rates:
    """Images per second of one tool, block by block.

    Attributes:
        cpu: For each CPU second of its process.
        wall: For each second of the clock.
    """

    name: str
    precision: str
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the CPU seconds' rates."""
        return median(self.cpu)


@dataclass(frozen=True)
class Setting:
    """What every process is given.

    Attributes:
        pair: A name of `PAIRS`.
        folder: The images: class folders, or what holds CIFAR-100's archive.
        archive: What holds CIFAR-100's archive, for the loops of others; `folder` itself for other images.
        batch_size: N.
        iterations: Of a block.
        threads: Of each process.
        out: A folder for logs.
        python: The interpreter of torchdistill; None: this one.
    """

    pair: str
    folder: Path
    archive: Path
    batch_size: int
    iterations: int
    threads: int
    out: Path
    python: Path | None = None


class _Process:
    """One tool, training in blocks."""

    def __init__(self, name: str, precision: str, setting: Setting) -> None:
        self.name, self.log = name, setting.out / f'{name.replace(", ", "_").replace(" ", "_")}_{precision}.log'
        read, write = os.pipe()
        self._reports: IO[str] = os.fdopen(read)
        environment = {key: value for key, value in os.environ.items() if not key.startswith('MALLOC_')}
        places = [str(Path(mmkd_ext.__file__).parents[1]), environment.get('PYTHONPATH')]
        environment |= {'OMP_NUM_THREADS': str(setting.threads), 'PYTHONPATH': os.pathsep.join(filter(None, places))}
        with self.log.open('w') as log:
            self._process = subprocess.Popen(
                _command(name, precision, setting, write), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True,
                pass_fds=[write], env=environment, cwd=setting.out)
        os.close(write)

    def report(self) -> dict[str, float]:
        """Of the block that runs: `cpu` and `wall` seconds."""
        line = self._reports.readline()
        if not line:
            self._process.wait()
            last = self.log.read_text(errors='replace').strip().splitlines()[-1:] or ['nothing']
            raise PreflightError(f'{self.name} needs to train, got an end: {last[0]}. Look at {self.log}.')
        return json.loads(line)

    def go(self) -> None:
        """Start the next block."""
        stdin: Any = self._process.stdin
        stdin.write('\n')
        stdin.flush()

    def end(self) -> None:
        """Let it go; in the middle of a block it is killed."""
        stdin: Any = self._process.stdin
        stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reports.close()


def _command(name: str, precision: str, setting: Setting, fd: int) -> list[str]:
    half = precision == 'bfloat16'
    if name in LOOPS:
        python = setting.python if name == 'torchdistill' and setting.python else sys.executable
        words = [name, setting.pair, setting.archive, setting.batch_size, precision, setting.iterations, fd]
        return [str(python), '-m', f'{__package__}.loops', *map(str, words)]
    config = setting.out / f'{"_".join(["ours", setting.pair, precision, *OURS[name]])}.py'
    how = dict(half_teacher=half) | OURS[name]
    config.write_text(
        config_text(PAIRS[setting.pair], str(setting.folder.absolute()), setting.batch_size, setting.iterations, fd, **how))
    flags = ['--no-validate', '--work-dir', str(setting.out / config.stem), *(['--amp'] if half else [])]
    return [sys.executable, '-c', _TRAIN, str(config), *flags]


def compare(names: Sequence[str], precision: str, setting: Setting, rounds: int) -> list[Rates]:
    """Images per second of several tools, in turns, after a first block of each that does not count.

    Args:
        names: Of `OURS` or `LOOPS`.
        precision: 'float32', or 'bfloat16' by each one's own mixed precision.
        setting: What all of them are given.
        rounds: Counted blocks of each.

    Raises:
        PreflightError: A process ended before its last block.
    """
    rates = [Rates(name, precision) for name in names]
    processes: list[_Process] = []
    try:
        for name in names:
            processes.append(_Process(name, precision, setting))
            processes[-1].report()
        for _ in range(rounds):
            for rate, process in zip(rates, processes, strict=True):
                process.go()
                spent = process.report()
                images = setting.batch_size * setting.iterations
                rate.cpu.append(images / spent['cpu'])
                rate.wall.append(images / spent['wall'])
    finally:
        for process in processes:
            process.end()
    return rates
